use infra_core::Resource;

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Many")]
struct Many {
    a: String,
    b: String,
    c: String,
    d: String,
    e: String,
}

fn main() {}
