//! Which pods count: by namespace, by label and by the pod's own wish.
//!
//! Label selectors are matched here and not by the API server, for the same one watch also finds the lights.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use kube::core::{Expression, SelectorExt};

use crate::object::Labels;
use crate::pod::Pod;

/// Which pods count. The default: all but those that opt out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these namespaces; none means all.
    pub namespaces: BTreeSet<String>,
    /// Not these namespaces, even if they are among the others.
    pub excluded: BTreeSet<String>,
    /// Only pods with such labels.
    pub selector: Selector,
}

/// A label selector as kubectl's `-l` takes it: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. The default selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(kube::core::Selector);

/// A text that is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{requirement:?} is no label requirement; give key=value, key!=value, key in (a,b), key notin (a,b), key or !key"
)]
pub struct InvalidSelector {
    requirement: String,
}

impl Filter {
    /// Whether this pod counts.
    pub fn admits(&self, pod: &Pod) -> bool {
        self.excludes(pod).is_none()
    }

    /// Why this pod doesn't count, as a policy calls it, unless it does.
    pub fn excludes(&self, pod: &Pod) -> Option<&'static str> {
        let namespace = pod.namespace();
        if !self.namespaces.is_empty() && !self.namespaces.contains(namespace) {
            Some("pods.namespaces.only")
        } else if self.excluded.contains(namespace) {
            Some("pods.namespaces.except")
        } else if pod.is_ignored() {
            Some(Pod::IGNORE)
        } else if !self.selector.admits(&pod.metadata.labels) {
            Some("pods.labels")
        } else {
            None
        }
    }
}

impl Selector {
    fn admits(&self, labels: &Labels) -> bool {
        if *self == Self::default() {
            return true;
        }
        let labels = labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.0.matches(&labels.collect::<BTreeMap<_, _>>())
    }
}

/// As it is given.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut depth = 0_usize;
        let requirements = text.split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        });
        requirements.map(requirement).collect::<Result<kube::core::Selector, _>>().map(Self)
    }
}

fn requirement(text: &str) -> Result<Expression, InvalidSelector> {
    parse(text.trim()).ok_or_else(|| InvalidSelector { requirement: text.trim().to_owned() })
}

fn parse(text: &str) -> Option<Expression> {
    if let Some(absent) = text.strip_prefix('!') {
        return Some(Expression::DoesNotExist(key(absent)?));
    }
    if let Some((left, right)) = text.split_once("!=") {
        return Some(Expression::NotEqual(key(left)?, value(right)?));
    }
    if let Some((left, right)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Expression::Equal(key(left)?, value(right)?));
    }
    let Some((left, list)) = text.split_once('(') else {
        return Some(Expression::Exists(key(text)?));
    };
    let values = list.strip_suffix(')')?.split(',').map(value).collect::<Option<BTreeSet<_>>>()?;
    let (left, operator) = left.trim().rsplit_once(char::is_whitespace)?;
    match operator {
        "in" => Some(Expression::In(key(left)?, values)),
        "notin" => Some(Expression::NotIn(key(left)?, values)),
        _ => None,
    }
}

/// A label's key: a name, after a prefix and a slash if need be.
fn key(text: &str) -> Option<String> {
    let key = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!key.is_empty() && key.chars().all(fits)).then(|| key.to_owned())
}

/// A label's value; may be empty.
fn value(text: &str) -> Option<String> {
    let value = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    value.chars().all(fits).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::pod;

    #[test]
    fn labels_select_as_kubectl_does() {
        let shop = pod("a").labelled("app", "shop").labelled("tier", "web");
        for (text, want) in [
            ("", true),
            ("app=shop", true),
            ("app==shop", true),
            ("app = shop , tier=web", true),
            ("app=shop,tier=db", false),
            ("app!=shop", false),
            ("zone!=a", true),
            ("tier in (web, db)", true),
            ("tier in (db),app=shop", false),
            ("tier notin (db,cache),app", true),
            ("zone notin (a)", true),
            ("zone", false),
            ("!zone", true),
            ("! app", false),
            ("app=", false),
            ("example.com/app-x_y", false),
        ] {
            let selector: Selector = text.parse().unwrap();
            assert_eq!(Filter { selector, ..Filter::default() }.admits(&shop), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_named() {
        for (text, part) in [
            ("app=shop,", ""),
            ("=shop", "=shop"),
            ("app=a b", "app=a b"),
            ("tier in (a", "tier in (a"),
            ("a=b,tier within (a)", "tier within (a)"),
            ("in (a)", "in (a)"),
            ("!", "!"),
        ] {
            let error = text.parse::<Selector>().unwrap_err();
            assert_eq!(error, InvalidSelector { requirement: part.to_owned() }, "{text}");
        }
    }

    #[test]
    fn namespaces_narrow_and_exclusion_wins() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let filter = Filter { namespaces: names(&["shop", "bank"]), excluded: names(&["bank"]), ..Filter::default() };
        assert!(filter.admits(&pod("a").within("shop")));
        assert!(!filter.admits(&pod("a").within("bank")));
        assert!(!filter.admits(&pod("a").within("other")));
    }

    #[test]
    fn a_pod_opts_out_by_its_annotation() {
        let filter = Filter::default();
        assert!(!filter.admits(&pod("a").annotated("podlight.dev/ignore", "true")));
        assert!(filter.admits(&pod("a").annotated("podlight.dev/ignore", "false")));
    }
}
