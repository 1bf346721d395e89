//! Numbers, texts and the words of providers do not show in `Debug` output.

use sms_core::conformance::{Samples, changed};
use sms_core::{
    Answer, ClaimToken, Event, IncomingReport, Message, Outcome, Report, ReportStatus, Subject,
};

const WORDS: &str = "a receipt that ends in Text:Your code is 123456";
const NUMBER: &str = "9991234567";

fn report(samples: &Samples) -> Report {
    Report {
        receipt_id: Some(WORDS.into()),
        code: Some(WORDS.into()),
        text: Some(WORDS.into()),
        ..samples.report()
    }
}

fn message(samples: &Samples) -> Message {
    let mut message = samples.message_with(|request| {
        request.to = format!("+7{NUMBER}").parse().unwrap();
        request.text = WORDS.parse().unwrap();
    });
    let mut attempt = samples.bare_attempt(samples.now());
    attempt.code = Some(WORDS.into());
    attempt.description = Some(WORDS.into());
    message.progress.attempts.push(attempt);
    message.progress.reports.push(report(samples));
    message
}

#[test]
fn nothing_that_holds_the_words_of_a_provider_shows_them() {
    let samples = Samples::new(1);
    let incoming = IncomingReport {
        subject: Subject::ProviderId(samples.provider_id()),
        status: ReportStatus::Delivered,
        provider_id: None,
        receipt_id: Some(WORDS.into()),
        code: Some(WORDS.into()),
        text: Some(WORDS.into()),
    };
    let answer = Answer {
        code: Some(WORDS.into()),
        description: Some(WORDS.into()),
        ..Outcome::Rejected.into()
    };
    let token = ClaimToken(1);
    let mut parked = samples.parked(&samples.key(), samples.now());
    parked.report = report(&samples);
    let shown = [
        format!("{:?}", message(&samples)),
        format!("{:#?}", message(&samples)),
        format!("{:?}", changed(&message(&samples), |_| {})),
        format!("{:?}", Event::Reported(report(&samples))),
        format!("{:?}", Event::Answered { token, answer }),
        format!("{incoming:?}"),
        format!("{parked:?}"),
    ];
    let length = format!("Some({} bytes)", WORDS.len());
    for shown in shown {
        for personal in ["123456", "receipt that", NUMBER] {
            assert!(!shown.contains(personal), "{personal} in {shown}");
        }
        assert!(shown.contains(&length), "{shown}");
    }
}
