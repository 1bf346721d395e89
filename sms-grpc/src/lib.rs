//! The gRPC face: sms.v1 and the wire contract of the older service.
