//! What differs between two versions of a value.
//!
//! Equal parts are skipped as bytes. Objects are compared by the names of their members. Arrays are compared without
//! their equal first and last elements; a window that has slid, such as the last hundred entries of a log, is found;
//! all else is compared element by element. So the time grows with the lengths of the texts and their depth, whatever
//! has changed.

use std::collections::{HashMap, HashSet};

use super::operations::{Kind, Operations};
use super::parts::{Member, elements, members};
use super::pointer::{Outside, Path};

/// Parts that are deeper are set as a whole, so that the comparison does not exhaust the stack.
const DEEPEST: usize = 100;

/// What an operation takes beside its path and its value, in bytes.
const AROUND: usize = 36;

/// Returns the operations that make `new` of `old`; `None` if their text is not shorter than `limit` bytes. Both are
/// valid JSON text.
pub(crate) fn diff(old: &str, new: &str, limit: usize) -> Option<Operations> {
    let mut diff =
        Diff { path: Path::default(), depth: 0, limit, operations: Operations::default() };
    diff.value(old, new, Kind::Replace)?;
    (diff.operations.text().len() < limit).then_some(diff.operations)
}

struct Diff {
    path: Path,
    depth: usize,
    limit: usize,
    operations: Operations,
}

/// `None` ends the comparison of a part: its operations are longer than the part.
type Compared = Option<()>;

impl Diff {
    /// Compares two versions of one part, which an operation of this kind sets.
    fn value(&mut self, old: &str, new: &str, set: Kind) -> Compared {
        if old == new {
            return Some(());
        }
        let (before, limit) = (self.operations.end(), self.limit);
        // What changes inside is named only if that is shorter than the whole part.
        let whole = before.text() + AROUND + self.path.as_str().len() + new.len();
        self.limit = limit.min(whole);
        self.depth += 1;
        let inside = match (old.as_bytes().first(), new.as_bytes().first()) {
            _ if self.depth > DEEPEST => None,
            (Some(b'{'), Some(b'{')) => self.object(old, new),
            (Some(b'['), Some(b'[')) => self.array(old, new),
            _ => None,
        };
        self.depth -= 1;
        self.limit = limit;
        if inside.is_none() {
            self.operations.truncate(before);
            return self.push(set, Some(new));
        }
        inside
    }

    /// Compares two objects. `None` if the new one is to be set as a whole.
    fn object(&mut self, old: &str, new: &str) -> Compared {
        let (old, new) = (unique_members(old)?, unique_members(new)?);
        let pairs = || old.iter().zip(&new);
        if old.len() == new.len() && pairs().all(|(old, new)| old.name == new.name) {
            return pairs().try_for_each(|(old, new)| self.member(Some(old.value), new));
        }
        let mut removed: HashMap<&str, &str> = old.iter().map(|it| (&*it.name, it.value)).collect();
        let kept: Vec<_> = new.iter().map(|new| (removed.remove(&*new.name), new)).collect();
        let mut removed = old.iter().filter(|old| removed.contains_key(&*old.name));
        removed.try_for_each(|old| self.remove(&old.name))?;
        kept.into_iter().try_for_each(|(old, new)| self.member(old, new))
    }

    fn member(&mut self, old: Option<&str>, new: &Member<'_>) -> Compared {
        if old == Some(new.value) {
            return Some(());
        }
        self.at(
            |path| path.enter_member(&new.name),
            |this| match old {
                Some(old) => this.value(old, new.value, Kind::Set),
                None => this.push(Kind::Set, Some(new.value)),
            },
        )
    }

    fn remove(&mut self, name: &str) -> Compared {
        self.at(|path| path.enter_member(name), |this| this.push(Kind::RemoveMember, None))
    }

    /// Compares two arrays. `None` if the new one is to be set as a whole.
    fn array(&mut self, old: &str, new: &str) -> Compared {
        let (old, new) = (elements(old)?, elements(new)?);
        let (mut old, mut new) = (&*old, &*new);
        let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        (old, new) = (&old[start..], &new[start..]);
        let same =
            old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        (old, new) = (&old[..old.len() - same], &new[..new.len() - same]);
        let slid = Slid::between(old, new).unwrap_or_default();
        self.slide(start, old, new, slid)
    }

    /// Compares arrays of which elements at an end are gone, and others have come in front of what is left.
    fn slide(&mut self, start: usize, old: &[&str], new: &[&str], slid: Slid) -> Compared {
        let kept = &old[slid.gone..];
        let common = kept.len().min(new.len() - slid.come);
        for _ in 0..slid.gone {
            self.element(start, |this| this.push(Kind::RemoveElement, None))?;
        }
        for index in common..kept.len() {
            let last = start + kept.len() - 1 - (index - common);
            self.element(last, |this| this.push(Kind::RemoveElement, None))?;
        }
        for (index, new) in new[..slid.come].iter().enumerate() {
            self.element(start + index, |this| this.push(Kind::Insert, Some(new)))?;
        }
        let start = start + slid.come;
        for (index, (old, new)) in kept.iter().zip(&new[slid.come..]).enumerate() {
            if old != new {
                self.element(start + index, |this| this.value(old, new, Kind::Replace))?;
            }
        }
        for (index, new) in new[slid.come..].iter().enumerate().skip(common) {
            self.element(start + index, |this| this.push(Kind::Insert, Some(new)))?;
        }
        Some(())
    }

    fn element(&mut self, index: usize, inside: impl FnOnce(&mut Self) -> Compared) -> Compared {
        self.at(|path| path.enter_element(index), inside)
    }

    fn at<R>(
        &mut self,
        enter: impl FnOnce(&mut Path) -> Outside,
        inside: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let outside = enter(&mut self.path);
        let result = inside(self);
        self.path.leave(outside);
        result
    }

    fn push(&mut self, kind: Kind, value: Option<&str>) -> Compared {
        self.operations.push(kind, self.path.as_str(), value);
        (self.operations.text().len() < self.limit).then_some(())
    }
}

/// How a window has slid: elements that are gone at its start, or that have come there.
#[derive(Default)]
struct Slid {
    gone: usize,
    come: usize,
}

impl Slid {
    /// Returns how the elements have slid, if what is left of them is in the new window. The first elements differ, and
    /// so do the last.
    fn between(old: &[&str], new: &[&str]) -> Option<Self> {
        let (first_old, first_new) = (old.first()?, new.first()?);
        let gone = old.iter().position(|old| old == first_new);
        if let Some(gone) = gone.filter(|gone| new.starts_with(&old[*gone..])) {
            return Some(Self { gone, come: 0 });
        }
        let come = new.iter().position(|new| new == first_old)?;
        old.starts_with(&new[come..]).then_some(Self { gone: 0, come })
    }
}

/// Returns the members of an object; `None` if two of them have the same name, so that a path could mean either.
fn unique_members(object: &str) -> Option<Vec<Member<'_>>> {
    let members = members(object)?;
    let mut names = HashSet::with_capacity(members.len());
    members.iter().all(|member| names.insert(&*member.name)).then_some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(old: &str, new: &str) -> String {
        diff(old, new, usize::MAX).unwrap().text().to_owned()
    }

    #[test]
    fn only_what_has_changed_is_named() {
        let long = "x".repeat(200);
        let old = format!(r#"{{"a":{{"b":1,"c":[1,2,"{long}"]}},"d":"{long}","e":null}}"#);
        let new = format!(r#"{{"a":{{"b":2,"c":[1,9,"{long}"]}},"d":"{long}","f":[]}}"#);
        let expected = concat!(
            r#"{"op":"remove","path":"/e"},"#,
            r#"{"op":"add","path":"/a/b","value":2},"#,
            r#"{"op":"replace","path":"/a/c/1","value":9},"#,
            r#"{"op":"add","path":"/f","value":[]}"#
        );
        assert_eq!(patch(&old, &new), expected);
        assert_eq!(patch("1", "[]"), r#"{"op":"replace","path":"","value":[]}"#);
        assert_eq!(patch(&old, &old), "");
    }

    #[test]
    fn a_part_is_set_as_a_whole_if_that_is_shorter() {
        let old = format!(r#"[{},[1,2,3,4]]"#, "1".repeat(100));
        let new = format!(r#"[{},[5,6,7,4]]"#, "1".repeat(100));
        assert_eq!(patch(&old, &new), r#"{"op":"replace","path":"/1","value":[5,6,7,4]}"#);
    }

    #[test]
    fn a_window_that_slides_is_found() {
        let window = |numbers: std::ops::Range<u32>| {
            let numbers: Vec<_> = numbers.map(|number| number.to_string()).collect();
            format!("[{}]", numbers.join(","))
        };
        let forward = r#"{"op":"remove","path":"/0"},{"op":"add","path":"/99","value":200}"#;
        assert_eq!(patch(&window(100..200), &window(101..201)), forward);
        let back = r#"{"op":"remove","path":"/99"},{"op":"add","path":"/0","value":99}"#;
        assert_eq!(patch(&window(100..200), &window(99..199)), back);
        let (all, without) = (window(100..200), window(100..200).replace("150,", ""));
        assert_eq!(patch(&all, &without), r#"{"op":"remove","path":"/50"}"#);
        assert_eq!(patch(&without, &all), r#"{"op":"add","path":"/50","value":150}"#);
        assert_eq!(
            patch(&window(0..99), &window(0..100)),
            r#"{"op":"add","path":"/99","value":99}"#
        );
    }

    #[test]
    fn names_that_need_it_are_escaped() {
        let expected = r#"{"op":"add","path":"/a~1b/m~0n/\"\\","value":2}"#;
        assert_eq!(
            patch(r#"{"a/b":{"m~n":{"\"\\":1}}}"#, r#"{"a\/b":{"m\u007en":{"\"\\":2}}}"#),
            expected
        );
    }

    #[test]
    fn an_object_with_a_name_twice_is_set_as_a_whole() {
        let expected = r#"{"op":"add","path":"/a","value":{"b":1,"b":3}}"#;
        assert_eq!(patch(r#"{"a":{"b":1,"b":2}}"#, r#"{"a":{"b":1,"b":3}}"#), expected);
    }

    #[test]
    fn a_long_patch_is_given_up() {
        assert!(diff("[1,2]", "[3,4]", 20).is_none());
        assert!(diff("[1,2]", "[3,4]", 60).is_some());
    }

    #[test]
    fn depth_does_not_exhaust_the_stack() {
        let deep = |core: &str| format!("{}{core}{}", "[".repeat(50_000), "]".repeat(50_000));
        let patch = patch(&deep("1"), &deep("2"));
        assert_eq!(patch.matches("/0").count(), DEEPEST);
    }
}
