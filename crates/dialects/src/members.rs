//! The members of an object, taken one by one, each with its place in the document.
//!
//! A reader takes what it knows. A reader of requests then calls [`Members::finish`], which refuses
//! what is left unless the table of [`harmless`](crate::harmless) members lists it; a reader of
//! answers leaves the rest alone, because providers add members. `null` is the same as absent.

use serde_json::{Map, Value};

use crate::fault::{Fault, Refusal};
use crate::unique::Unique;
use crate::{Dialect, harmless};

/// The most tokens that one answer is believed to have taken: a thousand times what any model reads.
const TOKENS_MAX: u64 = 1_000_000_000;

/// An object that is being read.
pub(crate) struct Members {
    at: String,
    map: Map<String, Value>,
}

/// A value with its place.
pub(crate) struct Item {
    pub at: String,
    pub value: Value,
}

impl Item {
    pub fn members(self) -> Result<Members, Fault> {
        Members::of(self.at, self.value)
    }

    pub fn string(self) -> Result<String, Fault> {
        match self.value {
            Value::String(text) => Ok(text),
            other => Err(wrong(&self.at, "a string", &other)),
        }
    }

    pub fn items(self) -> Result<Vec<Item>, Fault> {
        match self.value {
            Value::Array(items) => Ok(items
                .into_iter()
                .enumerate()
                .map(|(index, value)| Item {
                    at: format!("{}/{index}", self.at),
                    value,
                })
                .collect()),
            other => Err(wrong(&self.at, "an array", &other)),
        }
    }

    pub fn wrong(&self, wanted: &str) -> Fault {
        wrong(&self.at, wanted, &self.value)
    }
}

impl Members {
    /// The members of a whole request, which says each member once.
    pub fn parse_request(document: &[u8]) -> Result<Members, Fault> {
        let Unique(value) =
            serde_json::from_slice(document).map_err(|error| Fault::not_json(&error))?;
        Members::of(String::new(), value)
    }

    /// The members of a whole document.
    pub fn parse(document: &[u8]) -> Result<Members, Fault> {
        let value = serde_json::from_slice(document).map_err(|error| Fault::not_json(&error))?;
        Members::of(String::new(), value)
    }

    pub fn of(at: String, value: Value) -> Result<Members, Fault> {
        match value {
            Value::Object(map) => Ok(Members { at, map }),
            other => Err(wrong(&at, "an object", &other)),
        }
    }

    /// The place of the object itself.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// The place of a member.
    pub fn place(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    /// A fault of one member.
    pub fn fault(&self, name: &str, message: impl Into<String>) -> Fault {
        Fault::at(self.place(name), message)
    }

    pub fn take(&mut self, name: &str) -> Option<Item> {
        let value = self.map.swap_remove(name)?;
        (!value.is_null()).then(|| Item {
            at: self.place(name),
            value,
        })
    }

    pub fn need(&mut self, name: &str) -> Result<Item, Fault> {
        self.take(name)
            .ok_or_else(|| self.fault(name, "is required"))
    }

    pub fn string(&mut self, name: &str) -> Result<Option<String>, Fault> {
        self.take(name).map(Item::string).transpose()
    }

    pub fn need_string(&mut self, name: &str) -> Result<String, Fault> {
        self.need(name)?.string()
    }

    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        let Some(item) = self.take(name) else {
            return Ok(None);
        };
        let flag = item.value.as_bool();
        flag.map(Some).ok_or_else(|| item.wrong("a boolean"))
    }

    pub fn whole(&mut self, name: &str) -> Result<Option<u64>, Fault> {
        let Some(item) = self.take(name) else {
            return Ok(None);
        };
        let number = item.value.as_u64();
        number
            .map(Some)
            .ok_or_else(|| item.wrong("a whole number that is not negative"))
    }

    /// How many tokens something took. A provider that says more than any answer can take is not believed:
    /// what is summed of it must not run over.
    pub fn tokens(&mut self, name: &str) -> Result<Option<u64>, Fault> {
        Ok(self.whole(name)?.map(|it| it.min(TOKENS_MAX)))
    }

    pub fn signed(&mut self, name: &str) -> Result<Option<i64>, Fault> {
        let Some(item) = self.take(name) else {
            return Ok(None);
        };
        let number = item.value.as_i64();
        number.map(Some).ok_or_else(|| item.wrong("a whole number"))
    }

    pub fn real(&mut self, name: &str) -> Result<Option<f64>, Fault> {
        let Some(item) = self.take(name) else {
            return Ok(None);
        };
        let number = item.value.as_f64();
        number.map(Some).ok_or_else(|| item.wrong("a number"))
    }

    pub fn items(&mut self, name: &str) -> Result<Vec<Item>, Fault> {
        self.take(name)
            .map_or_else(|| Ok(Vec::new()), |item| item.items())
    }

    pub fn object(&mut self, name: &str) -> Result<Option<Members>, Fault> {
        self.take(name).map(Item::members).transpose()
    }

    pub fn need_object(&mut self, name: &str) -> Result<Members, Fault> {
        self.need(name)?.members()
    }

    /// An object that is kept as it is, such as a JSON schema.
    pub fn json_object(&mut self, name: &str) -> Result<Option<Value>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(item) if item.value.is_object() => Ok(Some(item.value)),
            Some(item) => Err(item.wrong("an object")),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Whatever was not taken.
    pub fn rest(self) -> Value {
        Value::Object(self.map)
    }

    /// Refuses whatever was not taken and isn't known to be harmless.
    pub fn finish(self, dialect: Dialect) -> Result<(), Refusal> {
        for (name, value) in &self.map {
            let place = self.place(name);
            if !value.is_null() && !harmless::is(dialect, &place, value) {
                let message = "has no counterpart in the dialect of the model that serves this";
                return Err(Refusal::new(place, message));
            }
        }
        Ok(())
    }
}

fn wrong(at: &str, wanted: &str, got: &Value) -> Fault {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Fault::at(at, format!("should be {wanted}, and is {got}"))
}
