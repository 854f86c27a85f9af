use infra_core::Resource;

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Bad")]
struct Bad {
    #[field(replaces)]
    name: String,
}

#[derive(Resource, Clone, Debug)]
#[resource(kynd = "fake:Worse")]
struct Worse {
    name: String,
}

#[derive(Resource, Clone, Debug)]
struct Nameless {
    name: String,
}

fn main() {}
