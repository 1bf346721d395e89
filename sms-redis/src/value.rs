//! Taking answers of the server apart.

use redis::Value;

use crate::error::Failure;

pub(crate) fn array(value: Value, what: &'static str) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(Failure::Answer(what)),
    }
}

/// Bytes, or none.
pub(crate) fn bytes(value: Value, what: &'static str) -> Result<Option<Vec<u8>>, Failure> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        _ => Err(Failure::Answer(what)),
    }
}

pub(crate) fn text(value: Value, what: &'static str) -> Result<String, Failure> {
    let bytes = match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => return Ok(text),
        Value::Int(number) => return Ok(number.to_string()),
        _ => return Err(Failure::Answer(what)),
    };
    String::from_utf8(bytes).map_err(|_| Failure::Answer(what))
}

pub(crate) fn int(value: Value, what: &'static str) -> Result<i64, Failure> {
    match value {
        Value::Int(number) => Ok(number),
        other => text(other, what)?
            .parse()
            .map_err(|_| Failure::Answer(what)),
    }
}

/// Members of a sorted set with their scores, which are whole numbers here.
pub(crate) fn scored(value: Value, what: &'static str) -> Result<Vec<(i64, Vec<u8>)>, Failure> {
    let mut scored = Vec::new();
    let mut values = array(value, what)?.into_iter();
    while let (Some(member), Some(score)) = (values.next(), values.next()) {
        let member = bytes(member, what)?.ok_or(Failure::Answer(what))?;
        scored.push((int(score, what)?, member));
    }
    Ok(scored)
}

/// Pairs of texts, as of a hash.
pub(crate) fn pairs(value: Value, what: &'static str) -> Result<Vec<(String, Value)>, Failure> {
    let mut pairs = Vec::new();
    let mut values = array(value, what)?.into_iter();
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        pairs.push((text(key, what)?, value));
    }
    Ok(pairs)
}
