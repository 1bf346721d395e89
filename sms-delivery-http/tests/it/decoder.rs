//! A provider's form of reports that is made for tests: `id STATUS` in each line of the body, or
//! in the query with `+` for the space. The id `-` names no message; a line `#` cannot be read;
//! `long` is replied to at length.

use sms_core::{
    DecodeError, Decoded, IncomingReport, Proof, Reply, ReportDecoder, ReportRequest, ReportStatus,
    Secret, Subject,
};

#[derive(Debug)]
pub(crate) enum PlainDecoder {
    /// Nothing proves a report.
    Unproved,
    /// The URL that must have been called, as a signature over the URL would have it.
    Signed(&'static str),
    /// The header `X-Secret` must be this.
    Headed(Secret),
    /// The callback must end in this.
    Tokened(Secret),
}

impl ReportDecoder for PlainDecoder {
    fn proof(&self) -> Proof<'_> {
        match self {
            Self::Unproved => Proof::Source,
            Self::Signed(_) => Proof::Signature,
            Self::Headed(value) => Proof::Header {
                name: "X-Secret",
                value,
            },
            Self::Tokened(token) => Proof::Token(token),
        }
    }

    fn decode(&self, request: &ReportRequest<'_>) -> Result<Decoded, DecodeError> {
        if let Self::Signed(url) = self
            && (*url != request.url || request.header("x-signature") != Some("right"))
        {
            return Err(DecodeError::BadSignature);
        }
        let text = match request.method {
            "GET" => request.query.replace('+', " "),
            _ => String::from_utf8_lossy(request.body).into_owned(),
        };
        if text == "long" {
            return Ok(long_reply());
        }
        let (skipped, lines): (Vec<_>, Vec<_>) = text.lines().partition(|line| *line == "#");
        Ok(Decoded {
            reports: lines.into_iter().map(report).collect::<Result<_, _>>()?,
            skipped: skipped.len(),
            reply: Reply {
                status: 202,
                body: "ACK/Plain".into(),
            },
        })
    }
}

/// A reply that no buffer of the system holds.
fn long_reply() -> Decoded {
    Decoded {
        reports: Vec::new(),
        skipped: 0,
        reply: Reply {
            status: 202,
            body: "x".repeat(64 << 20).into(),
        },
    }
}

fn report(line: &str) -> Result<IncomingReport, DecodeError> {
    let malformed = |problem: &str| DecodeError::Malformed {
        problem: problem.into(),
    };
    let (id, status) = line
        .split_once(' ')
        .ok_or_else(|| malformed("line: no status"))?;
    let provider_id = id.parse().map_err(|_| malformed("line: no id"))?;
    let status = match status {
        "delivered" => ReportStatus::Delivered,
        "failed" => ReportStatus::Undelivered,
        "buffered" => ReportStatus::Buffered,
        _ => return Err(malformed("line: unknown status")),
    };
    let subject = match id.parse() {
        Ok(reference) => Subject::Reference(reference),
        Err(_) if id == "-" => Subject::Unnamed,
        Err(_) => Subject::ProviderId(provider_id),
    };
    Ok(IncomingReport {
        provider_id: id.parse().ok().filter(|_| id != "-"),
        subject,
        status,
        receipt_id: None,
        code: None,
        text: None,
    })
}
