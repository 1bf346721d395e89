//! A JSON value whose texts are templates.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value;

use super::{Template, TemplateError, Values, Variable};

/// A JSON value whose texts are templates. It is written as a value, never as text glued
/// together, so that no message can break out of its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonTemplate {
    /// A number, a truth value or null, as it stands in the configuration.
    Fixed(Value),
    Text(Template),
    /// `"{segments:number}"`: the variable as a JSON number.
    Number(Variable),
    List(Vec<JsonTemplate>),
    Table(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// Reads a value; an error comes with the path to the text it is about, such as `.to`.
    pub(crate) fn parse(value: &Value) -> Result<Self, (String, TemplateError)> {
        Ok(match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
            Value::String(text) => {
                Self::parse_text(text).map_err(|error| (String::new(), error))?
            }
            Value::Array(items) => Self::List(parse_list(items)?),
            Value::Object(map) => Self::Table(
                map.iter()
                    .map(|(key, value)| {
                        let parsed = Self::parse(value).map_err(within(&format!(".{key}")))?;
                        Ok((key.clone(), parsed))
                    })
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    fn parse_text(text: &str) -> Result<Self, TemplateError> {
        let inner = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix(":number}"));
        match inner.and_then(Variable::named) {
            Some(variable) if variable.is_numeric() => Ok(Self::Number(variable)),
            _ => Template::parse(text).map(Self::Text),
        }
    }

    /// The variables in all of it.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Text(template) => template.variables().collect(),
            Self::Number(variable) => vec![*variable],
            Self::List(items) => items.iter().flat_map(Self::variables).collect(),
            Self::Table(fields) => fields
                .iter()
                .flat_map(|(_, value)| value.variables())
                .collect(),
        }
    }

    /// This value for one message, to be serialized.
    pub(crate) fn of<'a>(&'a self, values: &'a Values<'a>) -> Rendered<'a> {
        Rendered {
            template: self,
            values,
        }
    }

    fn is_absent(&self, values: &Values<'_>) -> bool {
        matches!(self, Self::Text(template) if template.is_absent(values))
    }
}

fn parse_list(items: &[Value]) -> Result<Vec<JsonTemplate>, (String, TemplateError)> {
    items
        .iter()
        .enumerate()
        .map(|(at, item)| JsonTemplate::parse(item).map_err(within(&format!("[{at}]"))))
        .collect()
}

fn within(outer: &str) -> impl Fn((String, TemplateError)) -> (String, TemplateError) {
    move |(path, error)| (format!("{outer}{path}"), error)
}

/// A template with the values of one message.
pub(crate) struct Rendered<'a> {
    template: &'a JsonTemplate,
    values: &'a Values<'a>,
}

impl Serialize for Rendered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.values;
        let there = |template: &&JsonTemplate| !template.is_absent(values);
        match self.template {
            JsonTemplate::Fixed(value) => value.serialize(serializer),
            JsonTemplate::Text(template) => serializer.serialize_str(&template.render(values)),
            JsonTemplate::Number(variable) => serializer.serialize_i64(values.number(*variable)),
            JsonTemplate::List(items) => {
                let mut list = serializer.serialize_seq(None)?;
                for item in items.iter().filter(there) {
                    list.serialize_element(&item.of(values))?;
                }
                list.end()
            }
            JsonTemplate::Table(fields) => {
                let mut table = serializer.serialize_map(None)?;
                for (key, value) in fields {
                    if there(&value) {
                        table.serialize_entry(key, &value.of(values))?;
                    }
                }
                table.end()
            }
        }
    }
}
