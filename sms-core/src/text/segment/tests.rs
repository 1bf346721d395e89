use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;

const FAMILY: &str = "👨\u{200D}👩\u{200D}👧\u{200D}👦"; // 11 units
const FLAG: &str = "🇳🇴"; // 4 units

/// The units of each segment.
fn sizes(text: &str, encoding: Encoding) -> Vec<usize> {
    segment(text, encoding)
        .map(|part| units(part, encoding))
        .collect()
}

#[test]
fn gsm7_borders() {
    for (length, expected) in [
        (0, vec![]),
        (1, vec![1]),
        (160, vec![160]),
        (161, vec![153, 8]),
        (306, vec![153, 153]),
        (307, vec![153, 153, 1]),
        (1530, vec![153; 10]),
    ] {
        assert_eq!(
            sizes(&"a".repeat(length), Encoding::Gsm7),
            expected,
            "{length}"
        );
    }
}

#[test]
fn ucs2_borders() {
    for (length, expected) in [
        (70, vec![70]),
        (71, vec![67, 4]),
        (134, vec![67, 67]),
        (135, vec![67, 67, 1]),
        (670, vec![67; 10]),
    ] {
        assert_eq!(
            sizes(&"я".repeat(length), Encoding::Ucs2),
            expected,
            "{length}"
        );
    }
}

#[test]
fn extension_characters_count_twice() {
    assert_eq!(sizes(&"€".repeat(80), Encoding::Gsm7), [160]);
    assert_eq!(sizes(&"€".repeat(81), Encoding::Gsm7), [152, 10]);
}

#[test]
fn an_escape_pair_does_not_straddle() {
    let text = format!("{}€{}", "a".repeat(152), "b".repeat(10));
    assert_eq!(sizes(&text, Encoding::Gsm7), [152, 12]);
    let text = format!("{}€{}", "a".repeat(151), "b".repeat(10));
    assert_eq!(sizes(&text, Encoding::Gsm7), [153, 10]);
}

#[test]
fn a_surrogate_pair_does_not_straddle() {
    let text = format!("{}😀{}", "я".repeat(66), "б".repeat(10));
    assert_eq!(sizes(&text, Encoding::Ucs2), [66, 12]);
    let text = format!("{}😀{}", "я".repeat(65), "б".repeat(10));
    assert_eq!(sizes(&text, Encoding::Ucs2), [67, 10]);
}

#[test]
fn what_is_seen_as_one_character_moves_as_a_whole() {
    for (cluster, length) in [
        (FAMILY, 11),
        (FLAG, 4),
        ("👍🏽", 4),
        ("e\u{301}", 2),
        ("\r\n", 2),
    ] {
        assert_eq!(ucs2::units(cluster), length);
        let before = 67 - length + 1;
        let text = format!("{}{cluster}{}", "я".repeat(before), "б".repeat(40));
        let parts: Vec<&str> = segment(&text, Encoding::Ucs2).collect();
        assert_eq!(ucs2::units(parts[0]), before, "{cluster}");
        assert!(parts[1].starts_with(cluster), "{cluster}");

        let text = format!("{}{cluster}{}", "я".repeat(before - 1), "б".repeat(40));
        let parts: Vec<&str> = segment(&text, Encoding::Ucs2).collect();
        assert_eq!(ucs2::units(parts[0]), 67, "{cluster} fits exactly");
    }
}

#[test]
fn a_row_of_flags_is_divided_between_flags() {
    // 16 flags of 4 units are 64 units; the 17th does not fit into 67.
    assert_eq!(sizes(&FLAG.repeat(40), Encoding::Ucs2), [64, 64, 32]);
}

#[test]
fn carriage_return_and_line_feed_stay_together_in_gsm7() {
    let text = format!("{}\r\n{}", "a".repeat(152), "b".repeat(10));
    assert_eq!(sizes(&text, Encoding::Gsm7), [152, 12]);
}

#[test]
fn a_cluster_too_large_for_any_segment_is_divided_between_its_characters() {
    let text = format!("я{}", "\u{301}".repeat(199));
    assert_eq!(sizes(&text, Encoding::Ucs2), [67, 67, 66]);
    let text = format!("{}е{}", "я".repeat(60), "\u{301}".repeat(100));
    assert_eq!(sizes(&text, Encoding::Ucs2), [67, 67, 27]);
}

#[test]
fn a_character_that_gsm7_lacks_counts_as_one_septet() {
    assert_eq!(sizes(&"я".repeat(161), Encoding::Gsm7), [153, 8]);
}

/// Texts rich in what makes dividing hard.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-z ]{1,20}",
        4 => "[а-я ]{1,20}",
        2 => prop::sample::select(vec!["€", "[", "|", "\r\n", "\n", FAMILY, FLAG, "😀", "👍🏽", "e\u{301}", "\u{301}", "\u{200D}", "한", "각"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn encoding() -> impl Strategy<Value = Encoding> {
    prop::sample::select(vec![Encoding::Gsm7, Encoding::Ucs2])
}

proptest! {
    #[test]
    fn joined_segments_are_the_text(text in text(), encoding in encoding()) {
        prop_assert_eq!(segment(&text, encoding).collect::<String>(), text);
    }

    #[test]
    fn no_segment_is_empty_or_over_its_limit(text in text(), encoding in encoding()) {
        let sizes = sizes(&text, encoding);
        let limit = encoding.units_per_segment(sizes.len() > 1);
        prop_assert!(sizes.iter().all(|&size| size > 0 && size <= limit), "{:?}", sizes);
    }

    #[test]
    fn count_is_the_number_of_segments(text in text(), encoding in encoding()) {
        prop_assert_eq!(count_segments(&text, encoding), segment(&text, encoding).count());
    }

    #[test]
    fn a_text_is_divided_only_if_it_must_be(text in text(), encoding in encoding()) {
        let fits = units(&text, encoding) <= encoding.units_per_segment(false);
        prop_assert_eq!(fits, count_segments(&text, encoding) <= 1);
    }

    #[test]
    fn borders_lie_between_clusters_that_fit(text in text(), encoding in encoding()) {
        let limit = encoding.units_per_segment(true);
        let mut borders = std::collections::HashSet::new();
        let mut at = 0;
        for part in segment(&text, encoding) {
            at += part.len();
            borders.insert(at);
        }
        for (begin, cluster) in text.grapheme_indices(true) {
            let inside = (begin + 1..begin + cluster.len()).any(|at| borders.contains(&at));
            prop_assert!(!inside || units(cluster, encoding) > limit, "{:?}", cluster);
        }
    }

    /// Greedy: the first whole cluster of a segment would not have fitted into the one before.
    #[test]
    fn no_segment_could_have_taken_more(text in text(), encoding in encoding()) {
        let parts: Vec<&str> = segment(&text, encoding).collect();
        let limit = encoding.units_per_segment(parts.len() > 1);
        let mut at = 0;
        for pair in parts.windows(2) {
            at += pair[0].len();
            let next = next_indivisible(&text, at, limit, encoding);
            prop_assert!(units(pair[0], encoding) + units(next, encoding) > limit);
        }
    }
}

/// What follows at `at` and must stay whole: a cluster, or one character of a cluster that no
/// segment can hold.
fn next_indivisible(text: &str, at: usize, limit: usize, encoding: Encoding) -> &str {
    let (begin, cluster) = text
        .grapheme_indices(true)
        .find(|(begin, cluster)| begin + cluster.len() > at)
        .unwrap();
    let character = text[at..].chars().next().unwrap().len_utf8();
    if begin == at && units(cluster, encoding) <= limit {
        cluster
    } else {
        &text[at..at + character]
    }
}
