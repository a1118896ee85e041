//! YAML as a tree in which each value knows where it stands, and the fields of its maps.
//!
//! Refuses to know what a policy is. Numbers, truth values and texts are all texts here: what is meant, the field says.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Spanned};

use super::fault::{Fault, nearest};

/// A value, and its line and column.
#[derive(Debug)]
pub(super) struct Tree {
    at: (u64, u64),
    value: Value,
}

#[derive(Debug)]
enum Value {
    Nothing,
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(Spanned<String>, Tree)>),
}

/// A value that is to be read, under the name by which a person finds it.
#[derive(Debug)]
pub(super) struct Field<'a> {
    path: String,
    tree: &'a Tree,
}

/// The fields of a map, all of which have names that are known.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    path: String,
    entries: &'a [(Spanned<String>, Tree)],
}

impl Tree {
    /// Parses a file that holds one document. Anything that would take long is refused.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: 16,
                max_nodes: 20_000,
                max_events: 100_000,
                max_documents: 1,
            },
            strict_booleans: true,
            // Here they are found, too, and told by their path.
            duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
            with_snippet: false,
        };
        let tree = serde_saphyr::from_str_with_options::<Option<Spanned<Value>>>(text, options);
        match tree.map_err(|error| fault(&error))? {
            Some(tree) => Ok(Self::from(tree)),
            None => Ok(Self { at: (1, 1), value: Value::Nothing }),
        }
    }

    /// The whole as a field.
    pub(super) const fn root(&self) -> Field<'_> {
        Field { path: String::new(), tree: self }
    }
}

impl<'a> Field<'a> {
    /// The fields of this map, which has no others than these. Nothing is a map without fields.
    pub(super) fn fields(&self, known: &[&str]) -> Result<Fields<'a>, Fault> {
        let entries = match &self.tree.value {
            Value::Nothing => &[][..],
            Value::Map(entries) => entries,
            Value::Text(_) | Value::List(_) => return Err(self.fault(format!("a map with {}", known.join(", ")))),
        };
        for (i, (key, _)) in entries.iter().enumerate() {
            if entries[..i].iter().any(|(earlier, _)| earlier.value == key.value) {
                let path = join(&self.path, &short(&key.value));
                return Err(Fault::new(place(&key.referenced), format!("{path}: it is given twice; give it once")));
            }
            if !known.contains(&key.value.as_str()) {
                let path = join(&self.path, &short(&key.value));
                let meant = nearest(&key.value, known.iter().copied());
                let right = meant.map_or_else(|| known.join(", "), ToOwned::to_owned);
                let problem = format!("{path}: there is no such key; give {right}");
                return Err(Fault::new(place(&key.referenced), problem));
            }
        }
        Ok(Fields { path: self.path.clone(), entries })
    }

    /// The parts of this list. A single text is a list of one.
    pub(super) fn list(&self) -> Result<Vec<Field<'a>>, Fault> {
        let part = |(i, tree)| Field { path: format!("{}[{i}]", self.path), tree };
        match &self.tree.value {
            Value::Nothing => Ok(Vec::new()),
            Value::Text(_) => Ok(vec![Field { path: self.path.clone(), tree: self.tree }]),
            Value::List(parts) => Ok(parts.iter().enumerate().map(part).collect()),
            Value::Map(_) => Err(self.fault("a list")),
        }
    }

    /// This text as whatever it is to be.
    pub(super) fn parse<T: FromStr>(&self, want: &str) -> Result<T, Fault> {
        self.text(want)?.parse().map_err(|_| self.fault(want))
    }

    /// This text, which is `want`.
    pub(super) fn text(&self, want: &str) -> Result<&'a str, Fault> {
        match &self.tree.value {
            Value::Text(text) => Ok(text),
            Value::Nothing | Value::List(_) | Value::Map(_) => Err(self.fault(want)),
        }
    }

    /// This text as a time of up to a day.
    pub(super) fn duration(&self) -> Result<Duration, Fault> {
        const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
        const WANT: &str = "a time of up to a day, as in 30s or 5m";
        let text = self.text(WANT)?;
        humantime::parse_duration(text).ok().filter(|time| *time <= LONGEST).ok_or_else(|| self.fault(WANT))
    }

    /// This number in percent, with or without the sign.
    pub(super) fn percent(&self, least: u8) -> Result<u8, Fault> {
        let want = format!("{least}% to 100%");
        let text = self.text(&want)?;
        let percent = text.strip_suffix('%').unwrap_or(text).trim_end().parse().ok();
        percent.filter(|percent| (least..=100).contains(percent)).ok_or_else(|| self.fault(want))
    }

    /// One of these words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Fault> {
        let words = || choices.iter().map(|(word, _)| *word);
        let want = || words().collect::<Vec<_>>().join(", ");
        let text = self.text(&want())?;
        let chosen = choices.iter().find(|(word, _)| *word == text);
        chosen
            .map(|(_, choice)| *choice)
            .ok_or_else(|| self.fault(nearest(text, words()).map_or_else(want, ToOwned::to_owned)))
    }

    /// That this value is wrong, where `want` would be right.
    pub(super) fn fault(&self, want: impl Into<String>) -> Fault {
        let value = match &self.tree.value {
            Value::Nothing => "nothing".to_owned(),
            Value::Text(text) => format!("{:?}", short(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        };
        Fault::invalid(self.tree.at, if self.path.is_empty() { "the policy" } else { &self.path }, &value, want)
    }

    /// What is wrong with this value, in words of its own.
    pub(super) fn wrong(&self, problem: impl fmt::Display) -> Fault {
        Fault::new(self.tree.at, format!("{}: {problem}", self.path))
    }
}

impl<'a> Fields<'a> {
    /// This field, if it is given.
    pub(super) fn field(&self, key: &str) -> Option<Field<'a>> {
        let (_, tree) = self.entries.iter().find(|(name, _)| name.value == key)?;
        Some(Field { path: join(&self.path, key), tree })
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What a file holds may be long; what is said of it stays short.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

fn place(location: &serde_saphyr::Location) -> (u64, u64) {
    (location.line(), location.column())
}

/// What the parser says, as we say it.
fn fault(error: &Error) -> Fault {
    let at = error.location().as_ref().map_or((1, 1), place);
    let error = error.without_snippet();
    if matches!(error, Error::Budget { .. }) {
        return Fault::new(at, "this is too much for a policy: one document, not large and not deep, is enough");
    }
    let text = error.to_string();
    let problem = text.lines().next().unwrap_or_default();
    // It says the place, too, at the end.
    let problem = problem.rsplit_once(" at line ").map_or(problem, |(problem, _)| problem);
    Fault::new(at, format!("this is no YAML for a policy: {}", short(problem.trim_end_matches(':'))))
}

impl From<Spanned<Value>> for Tree {
    fn from(Spanned { value, referenced, .. }: Spanned<Value>) -> Self {
        Self { at: place(&referenced), value }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a list or a map")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Nothing)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
                Ok(Value::Text(truth.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Text(number.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Text(number.to_string()))
            }

            fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
                Ok(Value::Text(number.to_string()))
            }

            fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
                Ok(Value::Text(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Text(number.to_string()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = list.next_element()? {
                    parts.push(part);
                }
                Ok(Value::List(parts))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Value::Map(entries))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
