//! What must not compile, and what the compiler says about it: the messages are part of the interface.

#[test]
fn mistakes_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
