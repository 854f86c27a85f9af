use infra_core::Resource;

#[derive(Clone, Debug)]
struct Plain;

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Odd")]
struct Odd {
    plain: Option<Plain>,
}

fn main() {}
