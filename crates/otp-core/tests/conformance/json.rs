//! As much JSON as the traces use: integers, `null`, booleans, plain strings, arrays, objects.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser(text);
        let value = parser.value()?;
        match parser.rest() {
            "" => Ok(value),
            rest => Err(format!("`{:.20}` is left over", rest)),
        }
    }

    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    pub(crate) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        let members = members.into_iter();
        Self::Object(
            members
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// The member that must be there.
    pub(crate) fn at(&self, key: &str) -> &Self {
        self.get(key)
            .unwrap_or_else(|| panic!("no `{key}` in {self}"))
    }

    pub(crate) fn array(&self) -> &[Self] {
        match self {
            Self::Array(values) => values,
            other => panic!("{other} is no array"),
        }
    }

    pub(crate) fn str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("{other} is no string"),
        }
    }

    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            other => panic!("{other} is no number"),
        }
    }

    pub(crate) fn bool(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            other => panic!("{other} is no boolean"),
        }
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap())
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap())
    }
}

struct Parser<'a>(&'a str);

impl<'a> Parser<'a> {
    fn rest(&mut self) -> &'a str {
        self.0 = self.0.trim_start();
        self.0
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) {
            return Ok(());
        }
        Err(format!("`{token}` expected before `{:.20}`", self.0))
    }

    fn value(&mut self) -> Result<Json, String> {
        for (token, value) in [
            ("null", Json::Null),
            ("true", Json::Bool(true)),
            ("false", Json::Bool(false)),
        ] {
            if self.take(token) {
                return Ok(value);
            }
        }
        if self.take("[") {
            let mut values = Vec::new();
            while !self.take("]") {
                if !values.is_empty() {
                    self.expect(",")?;
                }
                values.push(self.value()?);
            }
            return Ok(Json::Array(values));
        }
        if self.take("{") {
            let mut members = BTreeMap::new();
            while !self.take("}") {
                if !members.is_empty() {
                    self.expect(",")?;
                }
                self.expect("\"")?;
                let key = self.string()?;
                self.expect(":")?;
                members.insert(key, self.value()?);
            }
            return Ok(Json::Object(members));
        }
        if self.take("\"") {
            return Ok(Json::Text(self.string()?));
        }
        let digits = self.rest();
        let end = digits
            .find(|c: char| c != '-' && !c.is_ascii_digit())
            .unwrap_or(digits.len());
        self.0 = &digits[end..];
        let number = digits[..end].parse();
        number
            .map(Json::Int)
            .map_err(|_| format!("a value expected before `{:.20}`", digits))
    }

    /// The rest of a string whose quote is taken; the traces use no escapes.
    fn string(&mut self) -> Result<String, String> {
        let (text, rest) = self.0.split_once('"').ok_or("a string has no end")?;
        self.0 = rest;
        Ok(text.to_owned())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Array(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", values.join(","))
            }
            Self::Object(members) => {
                let members = members.iter();
                let members: Vec<_> = members
                    .map(|(key, value)| format!("\"{key}\":{value}"))
                    .collect();
                write!(f, "{{{}}}", members.join(","))
            }
        }
    }
}
