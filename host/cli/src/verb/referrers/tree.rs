//! A tree drawn with lines.

use lazaret_graph::Name;
use lazaret_graph::referrers::{ReferrerNode, ReferrerRow};

use super::{Member, Subject};
use crate::amount::size;
use crate::output::clean;
use crate::table::{Align, Table};
use crate::time::day_of;

/// Annotations that say what a referrer is: the first of these is shown.
const TITLES: [&str; 2] = [
    "org.opencontainers.image.title",
    "org.opencontainers.image.description",
];
const CREATED: &str = "org.opencontainers.image.created";

/// The subject in a line, and what refers to it below.
pub fn render(name: &Name, subject: &Subject) -> String {
    let mut table = Table::headless([
        Align::Left,
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Left,
    ]);
    // Members are shown only where something refers to them.
    let members: Vec<&Member> = subject
        .manifests
        .iter()
        .filter(|member| !member.referrers.is_empty())
        .collect();
    draw(&mut table, "", &subject.referrers, !members.is_empty());
    for (at, member) in members.iter().enumerate() {
        let is_last = at + 1 == members.len();
        let platform = member.platform.as_ref().map(ToString::to_string);
        table.row([
            format!("{}{}", branch(is_last), member.digest.short()),
            platform.unwrap_or_else(|| "manifest".to_owned()),
            "member".to_owned(),
            String::new(),
            String::new(),
        ]);
        draw(&mut table, stem(is_last), &member.referrers, false);
    }
    format!(
        "{}  {} {}\n{}",
        clean(&name.to_string()),
        subject.kind(),
        subject.digest,
        table.render()
    )
}

/// `is_followed` when there is more at this level.
fn draw(table: &mut Table, before: &str, nodes: &[ReferrerNode], is_followed: bool) {
    for (at, node) in nodes.iter().enumerate() {
        let is_last = at + 1 == nodes.len() && !is_followed;
        let row = &node.row;
        let kind = row.artifact_type.as_ref().map(ToString::to_string);
        table.row([
            format!("{before}{}{}", branch(is_last), row.digest.short()),
            kind.unwrap_or_else(|| "-".to_owned()),
            row.relation.to_string(),
            size(row.size),
            about(row),
        ]);
        let below = format!("{before}{}", stem(is_last));
        draw(table, &below, &node.referrers, false);
    }
}

const fn branch(is_last: bool) -> &'static str {
    match is_last {
        true => "└── ",
        false => "├── ",
    }
}

const fn stem(is_last: bool) -> &'static str {
    match is_last {
        true => "    ",
        false => "│   ",
    }
}

fn about(row: &ReferrerRow) -> String {
    let title = TITLES.iter().find_map(|key| row.annotations.get(*key));
    let created = row.annotations.get(CREATED).map(|time| day_of(time));
    let parts: Vec<&str> = title
        .map(String::as_str)
        .into_iter()
        .chain(created)
        .collect();
    parts.join(", ")
}
