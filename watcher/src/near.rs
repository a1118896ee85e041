//! What someone may have meant: names by how near they are to a word. Pure.

/// These names, the nearest first, each with how many letters are to be changed, put in or left out to get there.
///
/// What a person types is short: of a word that isn't, the rest counts for nothing, so that nobody's word takes long.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    const LONGEST: usize = 64;

    let word: String = word.chars().take(LONGEST).collect();
    let mut near: Vec<_> = known.into_iter().map(|name| (strsim::levenshtein(&word, name), name)).collect();
    near.sort_unstable();
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearest_comes_first() {
        assert_eq!(near("n12", ["pi-1", "n1", "n2"]), [(1, "n1"), (1, "n2"), (4, "pi-1")]);
        assert_eq!(near("n1", []), []);
    }

    #[test]
    fn of_a_long_word_only_the_beginning_counts() {
        assert_eq!(near(&"x".repeat(1_000_000), ["n1"]), [(64, "n1")]);
    }
}
