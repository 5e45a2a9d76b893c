//! JSON without the corners where two readers may disagree.
//!
//! RFC 8259 leaves open what a duplicate member means and how deep a text may go; both are refused
//! here, and so is U+0000, which no Postgres text can hold. Each refusal says where.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use vocab::limits::JSON_DEPTH_MAX;

use crate::FieldError;

/// Checks a whole text.
pub(crate) fn check(text: &str) -> Result<(), FieldError> {
    let at = Place::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let checked = Check { at: &at, depth: 0 }
        .deserialize(&mut reader)
        .and_then(|()| reader.end());
    checked.map_err(|error| {
        let mut message = error.to_string();
        let place = match error.classify() {
            serde_json::error::Category::Data => {
                // The pointer says where; the line and column of the reader would say it twice.
                message.truncate(message.find(" at line ").unwrap_or(message.len()));
                at.pointer()
            }
            _ => {
                message = format!("not JSON: {message}");
                String::new()
            }
        };
        FieldError::new(place, message)
    })
}

/// One step of a pointer, as it is written in RFC 6901.
pub(crate) fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
}

enum Step {
    Member(String),
    Item(usize),
}

/// Where the reader is. It stays where the first error was.
#[derive(Default)]
struct Place(RefCell<Vec<Step>>);

impl Place {
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.0.borrow().iter() {
            match step {
                Step::Member(name) => push_step(&mut pointer, name),
                Step::Item(index) => push_step(&mut pointer, &index.to_string()),
            }
        }
        pointer
    }

    fn enter(&self, step: Step) {
        self.0.borrow_mut().push(step);
    }

    fn leave(&self) {
        self.0.borrow_mut().pop();
    }
}

#[derive(Clone, Copy)]
struct Check<'a> {
    at: &'a Place,
    depth: usize,
}

impl Check<'_> {
    fn text<E: de::Error>(text: &str) -> Result<(), E> {
        if text.contains('\0') {
            return Err(E::custom("the character U+0000 is not allowed"));
        }
        Ok(())
    }

    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= JSON_DEPTH_MAX {
            let message = format!("nested deeper than {JSON_DEPTH_MAX} levels");
            // The way there would be longer than the limit is deep.
            self.at.0.borrow_mut().truncate(1);
            return Err(E::custom(message));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        Self::text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut index = 0;
        loop {
            self.at.enter(Step::Item(index));
            if items.next_element_seed(inner)?.is_none() {
                self.at.leave();
                return Ok(());
            }
            self.at.leave();
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            Self::text(&name)?;
            if !seen.insert(name.clone()) {
                self.at.enter(Step::Member(name));
                return Err(de::Error::custom("the member is there twice"));
            }
            self.at.enter(Step::Member(name));
            members.next_value_seed(inner)?;
            self.at.leave();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(text: &str) -> (String, String) {
        let flaw = check(text).unwrap_err();
        (flaw.pointer, flaw.message)
    }

    #[test]
    fn duplicates_depth_and_nul_are_refused_with_their_place() {
        assert!(check(r#"{"a":{"b":[1,2.5,-3,true,null,"x"]},"c":"é"}"#).is_ok());
        assert_eq!(
            flaw(r#"{"a":[0,{"b/c":1,"b/c":2}]}"#),
            ("/a/1/b~1c".into(), "the member is there twice".into())
        );
        assert_eq!(
            flaw(r#"{"a":{"b":"x\u0000"}}"#),
            ("/a/b".into(), "the character U+0000 is not allowed".into())
        );
        assert_eq!(
            flaw(r#"{"\u0000":1}"#).1,
            "the character U+0000 is not allowed"
        );
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(check(&deep(JSON_DEPTH_MAX)).is_ok());
        assert_eq!(
            flaw(&deep(JSON_DEPTH_MAX + 1)).1,
            "nested deeper than 64 levels"
        );
        assert!(flaw(&deep(5_000)).1.starts_with("nested deeper"));
        assert!(flaw("{\"a\":1").1.starts_with("not JSON: "));
        assert!(flaw("{} {}").1.starts_with("not JSON: "));
    }
}
