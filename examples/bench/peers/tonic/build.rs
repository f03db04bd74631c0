//! Without `protoc`, which would have to be installed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = protox::compile(["proto/cases.proto"], ["proto"])?;
    tonic_prost_build::configure().bytes(".").compile_fds(files)?;
    Ok(())
}
