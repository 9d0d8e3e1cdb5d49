//! The benchmark `call` as a program that cargo builds alone, for the count of instructions (`benches/instructions`).

#[path = "../benches/call.rs"]
mod call;

fn main() {
    call::main();
}
