//! Makes messages, servers and clients from `proto/`, without a protocol compiler to install.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

const FILES: [&str; 2] = ["legacy.proto", "sms/v1/sms.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // For reflection.
    fs::write(out.join("descriptors.bin"), files.encode_to_vec())?;
    tonic_prost_build::configure()
        // Clients are made from any channel; which transport they use is their user's choice.
        .build_transport(false)
        .compile_fds(files)?;
    Ok(())
}
