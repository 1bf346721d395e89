//! A provider's form of reports that is made for tests: `id STATUS` in each line of the body, or
//! in the query with `+` for the space.

use sms_core::{
    DecodeError, Decoded, IncomingReport, Reply, ReportDecoder, ReportRequest, ReportStatus,
    Subject,
};

#[derive(Debug, Default)]
pub(crate) struct PlainDecoder {
    /// The URL that must have been called, as a signature over the URL would have it.
    pub(crate) signed_url: Option<&'static str>,
}

impl ReportDecoder for PlainDecoder {
    fn decode(&self, request: &ReportRequest<'_>) -> Result<Decoded, DecodeError> {
        if let Some(url) = self.signed_url
            && (url != request.url || request.header("x-signature") != Some("right"))
        {
            return Err(DecodeError::BadSignature);
        }
        let text = match request.method {
            "GET" => request.query.replace('+', " "),
            _ => String::from_utf8_lossy(request.body).into_owned(),
        };
        Ok(Decoded {
            reports: text.lines().map(report).collect::<Result<_, _>>()?,
            reply: Reply {
                status: 202,
                body: "ACK/Plain".into(),
            },
        })
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
        Err(_) => Subject::ProviderId(provider_id),
    };
    Ok(IncomingReport {
        provider_id: id.parse().ok(),
        subject,
        status,
        receipt_id: None,
        code: None,
        text: None,
    })
}
