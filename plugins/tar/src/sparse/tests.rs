//! Sparse maps of each format, sound and broken.

use super::*;

const AT: Span = Span::new(7, 3);

fn regions(pairs: &[(u64, u64)]) -> Vec<Region> {
    pairs
        .iter()
        .map(|&(offset, length)| Region { offset, length })
        .collect()
}

#[test]
fn regions_and_holes_make_up_the_file() {
    let input = |offset, length| Extent::Input { offset, length };
    for (pairs, real_size, stored, want) in [
        (&[][..], 0, 0, vec![]),
        (&[], 9, 0, vec![Extent::Hole(9)]),
        (&[(0, 9)], 9, 9, vec![input(1000, 9)]),
        (
            &[(2, 3), (7, 1), (9, 0)],
            9,
            4,
            vec![
                Extent::Hole(2),
                input(1000, 3),
                Extent::Hole(2),
                input(1003, 1),
                Extent::Hole(1),
            ],
        ),
        (&[(0, 4), (4, 4)], 8, 8, vec![input(1000, 8)]),
        (&[(3, 0), (5, 0)], 9, 0, vec![Extent::Hole(9)]),
    ] {
        let got = extents(&regions(pairs), real_size, 1000, stored, AT);
        assert_eq!(got, Ok(want), "{pairs:?}");
    }
}

#[test]
fn a_map_that_cannot_be_is_refused() {
    for (pairs, real_size, stored, rule) in [
        (&[(4, 4), (0, 4)][..], 8, 8, Rule::SparseOrder),
        (&[(0, 4), (3, 4)], 8, 8, Rule::SparseOrder),
        (&[(4, 0), (3, 1)], 8, 1, Rule::SparseOrder),
        (&[(0, 9)], 8, 9, Rule::SparseBeyondEnd),
        (&[(9, 0)], 8, 0, Rule::SparseBeyondEnd),
        (&[(u64::MAX, 2)], 8, 2, Rule::SparseBeyondEnd),
        (&[(0, 4)], 8, 5, Rule::SparseSum),
        (&[(0, 4)], 8, 3, Rule::SparseSum),
        (&[], u64::MAX, 0, Rule::SizeRange),
    ] {
        let got = extents(&regions(pairs), real_size, 0, stored, AT);
        assert_eq!(got, Err(AT.breaks(rule)), "{pairs:?}");
    }
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

type Outline = (u64, Option<Vec<Region>>);

fn plan(records: Pairs<'_>) -> Result<Option<Outline>, Rule> {
    let mut sparse = SparseRecords::default();
    for (name, value) in records {
        sparse
            .add(name.as_bytes(), value.as_bytes(), AT)
            .map_err(|fault| fault.rule)?;
    }
    let plan = sparse.plan().map_err(|fault| fault.rule)?;
    Ok(plan.map(|plan| (plan.real_size, plan.regions)))
}

#[test]
fn exactly_one_format_must_fit() {
    let two = Some(regions(&[(0, 1), (5, 2)]));
    let good: &[(Pairs<'_>, _)] = &[
        (&[], None),
        (
            &[
                ("size", "9"),
                ("numblocks", "2"),
                ("offset", "0"),
                ("numbytes", "1"),
                ("offset", "5"),
                ("numbytes", "2"),
            ],
            Some((9, two.clone())),
        ),
        (
            &[
                ("name", "x"),
                ("size", "9"),
                ("numblocks", "2"),
                ("map", "0,1,5,2"),
            ],
            Some((9, two.clone())),
        ),
        (
            &[
                ("major", "0"),
                ("minor", "1"),
                ("realsize", "9"),
                ("size", "9"),
                ("numblocks", "2"),
                ("map", "0,1,5,2"),
            ],
            Some((9, two)),
        ),
        (
            &[
                ("major", "1"),
                ("minor", "0"),
                ("name", "x"),
                ("realsize", "9"),
            ],
            Some((9, None)),
        ),
    ];
    for (records, want) in good {
        assert_eq!(plan(records), Ok(want.clone()), "{records:?}");
    }
    let bad: &[(Pairs<'_>, Rule)] = &[
        (&[("name", "x")], Rule::SparseKind),
        (&[("size", "9")], Rule::SparseKind),
        (&[("major", "1"), ("realsize", "9")], Rule::SparseKind),
        (&[("major", "1"), ("minor", "0")], Rule::SparseKind),
        (
            &[
                ("major", "1"),
                ("minor", "0"),
                ("size", "8"),
                ("realsize", "9"),
            ],
            Rule::SparseKind,
        ),
        (
            &[
                ("major", "1"),
                ("minor", "0"),
                ("size", "8"),
                ("map", "0,1"),
            ],
            Rule::SparseKind,
        ),
        (
            &[
                ("major", "1"),
                ("minor", "0"),
                ("size", "8"),
                ("numblocks", "1"),
            ],
            Rule::SparseKind,
        ),
        (
            &[("major", "2"), ("minor", "0"), ("size", "8")],
            Rule::SparseVersion,
        ),
        (
            &[("major", "0"), ("minor", "2"), ("size", "8")],
            Rule::SparseVersion,
        ),
        (&[("fourth", "2")], Rule::SparseVersion),
        (&[("size", "9"), ("map", "0,1")], Rule::SparseKind),
        (
            &[("size", "9"), ("map", "0,1"), ("numblocks", "2")],
            Rule::SparseCount,
        ),
        (
            &[
                ("size", "9"),
                ("map", "0,1"),
                ("offset", "0"),
                ("numbytes", "1"),
                ("numblocks", "1"),
            ],
            Rule::SparseKind,
        ),
        (
            &[
                ("size", "9"),
                ("map", "0,1"),
                ("offset", "0"),
                ("numblocks", "1"),
            ],
            Rule::SparseKind,
        ),
        (&[("offset", "0"), ("offset", "0")], Rule::SparseSyntax),
        (&[("numbytes", "0")], Rule::SparseSyntax),
        (&[("map", "")], Rule::SparseSyntax),
        (&[("map", "0")], Rule::SparseSyntax),
        (&[("map", "0,1,")], Rule::SparseSyntax),
        (&[("map", "0,1,2")], Rule::SparseSyntax),
        (&[("map", "0, 1")], Rule::SparseSyntax),
        (&[("map", "-1,1")], Rule::SparseSyntax),
        (&[("size", "x")], Rule::PaxNumber),
        (&[("size", "1"), ("size", "1")], Rule::PaxDuplicate),
        (&[("name", "")], Rule::PaxEmpty),
        (&[("name", "a\0b")], Rule::PathNul),
    ];
    for (records, rule) in bad {
        assert_eq!(plan(records), Err(*rule), "{records:?}");
    }
}

#[test]
fn maps_of_more_regions_than_the_limit_are_refused() {
    let most = vec!["0,0"; SPARSE_REGIONS_MAX].join(",");
    assert_eq!(
        comma_map(most.as_bytes()).unwrap().len(),
        SPARSE_REGIONS_MAX
    );
    assert_eq!(
        comma_map(format!("{most},0,0").as_bytes()),
        Err(Rule::SparseTooLarge)
    );

    let mut map = TextMap::default();
    assert_eq!(
        map.feed(b"32768\n", 100),
        Err(Span::new(105, 1).breaks(Rule::SparseTooLarge))
    );
    assert_eq!(TextMap::default().feed(b"32767\n", 100), Ok(false));

    let mut sparse = SparseRecords::default();
    for _ in 0..SPARSE_REGIONS_MAX {
        sparse.add(b"offset", b"0", AT).unwrap();
        sparse.add(b"numbytes", b"0", AT).unwrap();
    }
    sparse.add(b"offset", b"0", AT).unwrap();
    assert_eq!(
        sparse.add(b"numbytes", b"0", AT),
        Err(AT.breaks(Rule::SparseTooLarge))
    );
}

#[test]
fn a_text_map_may_break_anywhere() {
    let text = b"2\n0\n10\n20\n5\n\0\0garbage";
    for cut in 0..text.len() {
        let mut map = TextMap::default();
        let (front, back) = text.split_at(cut);
        let done = map.feed(front, 0).unwrap() || map.feed(back, cut as u64).unwrap();
        assert!(done);
        assert_eq!(map.regions, regions(&[(0, 10), (20, 5)]));
    }
    for (text, place) in [
        (&b"\n"[..], 0),
        (b"1\n\n", 2),
        (b"1\n0\n+5\n", 4),
        (b"1 \n", 1),
        (b"1\n0\n\0", 4),
        (b"000000000000000000001\n", 20),
        (b"99999999999999999999\n", 20),
    ] {
        assert_eq!(
            TextMap::default().feed(text, 0),
            Err(Span::new(place, 1).breaks(Rule::SparseSyntax)),
            "{}",
            text.escape_ascii()
        );
    }
}

fn slot(offset: &[u8], length: &[u8]) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..offset.len()].copy_from_slice(offset);
    slot[12..12 + length.len()].copy_from_slice(length);
    slot
}

#[test]
fn binary_maps_end_where_all_readers_end_them() {
    let flag = |flag| (flag, Span::new(90, 1));
    let run = |area: &[[u8; SLOT]], set| {
        let mut regions = Vec::new();
        let more = slots(area.as_flattened(), 10, flag(set), &mut regions)?;
        Ok((more, regions.len()))
    };
    let used = slot(b"00000000001", b"00000000002");
    let empty = slot(b"", b"");
    let slot_at = |index: u64| Span::new(10 + index * 24, 24);
    for (area, set, want) in [
        (vec![used, used], 1, Ok((true, 2))),
        (vec![used, used], 0, Ok((false, 2))),
        (vec![used, empty], 0, Ok((false, 1))),
        (vec![empty, empty], 0, Ok((false, 0))),
        (
            vec![used, empty],
            1,
            Err(flag(1).1.breaks(Rule::SparseSlot)),
        ),
        (vec![used, used], 2, Err(flag(1).1.breaks(Rule::SparseSlot))),
        (
            vec![empty, used],
            0,
            Err(slot_at(1).breaks(Rule::SparseSlot)),
        ),
        (
            vec![used, slot(b"00000000001", b"")],
            0,
            Err(slot_at(1).breaks(Rule::SparseSlot)),
        ),
        (
            vec![slot(b"", b"00000000001")],
            0,
            Err(slot_at(0).breaks(Rule::SparseSlot)),
        ),
        (
            vec![slot(b"9", b"1")],
            0,
            Err(slot_at(0).breaks(Rule::SparseSyntax)),
        ),
        (
            vec![slot(b"1", b" ")],
            0,
            Err(slot_at(0).breaks(Rule::SparseSyntax)),
        ),
        (
            vec![slot(&[0xff; 12], b"1")],
            0,
            Err(slot_at(0).breaks(Rule::SparseSyntax)),
        ),
    ] {
        assert_eq!(run(&area, set), want, "{area:?}");
    }
}
