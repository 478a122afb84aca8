//! The name of a resource: `vpc.main`, `module.edge.subnet.private["us-east-1a"]`. Layer 0.

use std::{borrow::Borrow, cmp::Ordering, fmt, hash, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Which one of many: the key of a map, or an element of a list of strings or whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `[3]`
    Int(i64),
    /// `["us-east-1a"]`
    Text(Arc<str>),
}

impl fmt::Display for Key {
    /// With its brackets, as one writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Int(n) => write!(f, "[{n}]"),
            Key::Text(text) => write!(f, "[{text:?}]"),
        }
    }
}

/// A resource as written in the sources: the modules it is in, its kind, its name, and which of many it is.
#[derive(Clone)]
pub struct Address {
    text: Arc<str>,
    /// Where the kind begins, the name begins, and the name ends.
    marks: [u32; 3],
}

impl Address {
    /// `kind.name`.
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        Self::within("", kind, name, None)
    }

    /// `module.edge.kind.name["key"]`; `module` is a path such as `module.edge["a"].module.inner`, or empty.
    #[must_use]
    pub fn within(module: &str, kind: &str, name: &str, key: Option<&Key>) -> Self {
        let dot = if module.is_empty() { "" } else { "." };
        let key = key.map(Key::to_string).unwrap_or_default();
        let start = module.len() + dot.len();
        let (name_at, end) = (start + kind.len() + 1, start + kind.len() + 1 + name.len());
        let marks = [start, name_at, end].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Self { text: format!("{module}{dot}{kind}.{name}{key}").into(), marks }
    }

    /// Reads what [`Address::as_str`] gives; `None` if a part of it is missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut at = 0;
        loop {
            let start = at;
            let (first, second) = (word(text, &mut at)?, dotted(text, &mut at)?);
            let end = at;
            let key = bracket(text, &mut at)?;
            match text.get(at..)? {
                "" if first != "module" => {
                    let module = text.get(..start)?.trim_end_matches('.');
                    let found = Self::within(module, first, second, key.as_ref());
                    // Only the one way of writing a key is an address.
                    return (found.as_str() == text && end <= text.len()).then_some(found);
                }
                rest if first == "module" && rest.starts_with('.') => at += 1,
                _ => return None,
            }
        }
    }

    /// `vpc` of `vpc.main`.
    #[must_use]
    pub fn kind(&self) -> &str {
        let [kind, name, _] = self.marks.map(|n| n as usize);
        self.text.get(kind..name.saturating_sub(1)).unwrap_or_default()
    }

    /// `main` of `vpc.main`, without a key.
    #[must_use]
    pub fn name(&self) -> &str {
        let [_, name, end] = self.marks.map(|n| n as usize);
        self.text.get(name..end).unwrap_or_default()
    }

    /// `["a"]` of `subnet.private["a"]`.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        let mut at = self.marks[2] as usize;
        bracket(&self.text, &mut at).flatten()
    }

    /// `module.edge` of `module.edge.vpc.main`; empty at the top.
    #[must_use]
    pub fn module(&self) -> &str {
        self.text.get(..self.marks[0] as usize).unwrap_or_default().trim_end_matches('.')
    }

    /// Whether it is a kind and a name and nothing more: in no module, and not one of many.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.marks[0] == 0 && self.marks[2] as usize == self.text.len()
    }

    /// The whole.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The whole, without a copy.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        self.text.clone()
    }
}

/// Letters, digits, `_` and `-`, at least one.
fn word<'t>(text: &'t str, at: &mut usize) -> Option<&'t str> {
    let rest = text.get(*at..)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    *at += end;
    rest.get(..end).filter(|w| !w.is_empty())
}

fn dotted<'t>(text: &'t str, at: &mut usize) -> Option<&'t str> {
    text.get(*at..)?.strip_prefix('.')?;
    *at += 1;
    word(text, at)
}

/// A key in brackets, if there is one; `None` if it is not right.
fn bracket(text: &str, at: &mut usize) -> Option<Option<Key>> {
    let Some(rest) = text.get(*at..)?.strip_prefix('[') else { return Some(None) };
    if !rest.starts_with('"') {
        let end = rest.find(']')?;
        *at += end + 2;
        return Some(Some(Key::Int(rest.get(..end)?.parse().ok()?)));
    }
    let mut escaped = false;
    let inside = rest.get(1..)?;
    let end = inside.find(|c: char| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    inside.get(end + 1..)?.strip_prefix(']')?;
    *at += end + 4;
    Some(Some(Key::Text(unescaped(inside.get(..end)?)?.into())))
}

/// A text as Rust's `{:?}` writes it, read back.
fn unescaped(text: &str) -> Option<String> {
    let mut found = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            found.push(c);
            continue;
        }
        found.push(match rest.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'u' => {
                let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
            }
            plain @ ('"' | '\\' | '\'') => plain,
            _ => return None,
        });
    }
    Some(found)
}

/// An address is told from others by its text alone.
impl Borrow<str> for Address {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl hash::Hash for Address {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Address::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is no address")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_back_what_it_was_made_of() {
        let odd: Key = Key::Text("a.b\"]\\ \u{e9}\n[".into());
        for key in [None, Some(Key::Int(-3)), Some(Key::Text("us-east-1a".into())), Some(odd)] {
            for module in ["", "module.edge", "module.edge[\"a.b]\"].module.inner[0]"] {
                let made = Address::within(module, "subnet", "private", key.as_ref());
                let read = Address::parse(made.as_str()).expect("an address");
                assert_eq!((read.module(), read.kind(), read.name(), read.key()), (module, "subnet", "private", key.clone()));
                assert_eq!(read, made);
            }
        }
    }

    #[test]
    fn half_an_address_is_none() {
        for text in
            ["", "vpc", "vpc.", ".main", "vpc.main.x", "module.edge", "module.edge.vpc", "vpc.main[", "vpc.main[a]", "vpc.main[\"a]"]
        {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
