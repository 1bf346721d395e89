//! Messages, servers and clients made from the files in `proto/`.
//!
//! A client is made from any channel, for instance
//! `MessageServiceClient::new(Endpoint::from_static("http://[::1]:50051").connect_lazy())` with
//! tonic's feature `channel`.

/// The wire contract of the older service.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod legacy {
    tonic::include_proto!("_");
}

/// The API for new clients.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod v1 {
    tonic::include_proto!("sms.v1");
}

/// Both files and what they import, as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
