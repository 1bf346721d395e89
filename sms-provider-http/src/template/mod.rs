//! Texts with variables that stand for parts of a message: `{to}`, `{text}` and so on.

mod json;
mod remaining;
mod variable;

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) use json::JsonTemplate;
pub(crate) use remaining::Remaining;
pub(crate) use variable::{Values, Variable, encoding_name};

/// Everything but the characters that RFC 3986 (2.3) leaves as they are in any part of a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Writes a text as part of a URL or of a form.
pub(crate) fn percent_encode(text: &str, out: &mut String) {
    out.extend(utf8_percent_encode(text, RESERVED));
}

/// A text with variables, read once. What is not a variable may be a key or a password, so it
/// does not show.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(Variable),
}

/// A text is not a template. What stands in its braces is not repeated: after a forgotten brace it
/// may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("has a {{ without its }}; close it, or write {{{{ for a brace of its own")]
    Unclosed,
    #[error("has a }} without its {{; write }}}} for a brace of its own")]
    Unopened,
    #[error(
        "has an unknown variable at character {at}; known are {}",
        Variable::known()
    )]
    Unknown { at: usize },
    #[error(
        "asks for a :number at character {at}; only a whole JSON value that is digits can be one"
    )]
    NotANumber { at: usize },
}

impl Template {
    /// Reads a template. `{{` and `}}` stand for braces.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::Unopened);
            }
            let (name, after) = rest.split_once('}').ok_or(TemplateError::Unclosed)?;
            let at = text[..text.len() - rest.len()].chars().count();
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Variable(variable(name, at)?));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// Writes the text for one message, its variables as `write` writes them.
    pub(crate) fn render_with(
        &self,
        values: &Values<'_>,
        out: &mut String,
        write: impl Fn(&str, &mut String),
    ) {
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Variable(variable) => write(&values.get(*variable), out),
            }
        }
    }

    /// The text for one message.
    pub(crate) fn render(&self, values: &Values<'_>) -> String {
        let mut out = String::new();
        self.render_with(values, &mut out, |value, out| out.push_str(value));
        out
    }

    /// The text for one message, or nothing if its field is to be left out.
    pub(crate) fn render_if_any(&self, values: &Values<'_>) -> Option<String> {
        if self.is_absent(values) {
            return None;
        }
        Some(self.render(values))
    }

    /// Whether its field is to be left out: it is nothing but a variable that this message has no
    /// value for, or a URL to which the most important part is missing.
    pub(crate) fn is_absent(&self, values: &Values<'_>) -> bool {
        let is_lone = self.0.len() == 1;
        self.variables()
            .filter(|variable| is_lone || *variable == Variable::CallbackUrl)
            .any(|variable| !values.has(variable))
    }

    /// The variables in it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = Variable> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Variable(variable) => Some(*variable),
        })
    }

    /// The text with the letter x for every variable.
    pub(crate) fn sample(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Variable(_) => "x",
            })
            .collect()
    }

    /// The literal text in front of the first variable.
    pub(crate) fn prefix(&self) -> &str {
        match self.0.first() {
            Some(Part::Literal(text)) => text,
            Some(Part::Variable(_)) | None => "",
        }
    }
}

fn variable(name: &str, at: usize) -> Result<Variable, TemplateError> {
    let number = name.strip_suffix(":number").and_then(Variable::named);
    match (Variable::named(name), number) {
        (Some(variable), _) => Ok(variable),
        (None, Some(_)) => Err(TemplateError::NotANumber { at }),
        (None, None) => Err(TemplateError::Unknown { at }),
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.variables()).finish()
    }
}

#[cfg(test)]
pub(crate) mod tests;
