//! `oci-archive:` to and from `skopeo`, and `oci:` from lazaret to `skopeo`.

use crate::berth::Berth;
use crate::blobs::assert_same;
use crate::shelf::assert_sound;
use crate::stock::{Stock, TAGS};
use crate::tools::{succeed, tool};

fn copy(from: &str, to: &str) -> Option<()> {
    let mut skopeo = tool("skopeo")?;
    succeed(skopeo.args(["copy", "--all", "--preserve-digests", from, to]));
    Some(())
}

#[test]
fn an_archive_that_skopeo_wrote() {
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    for tag in TAGS {
        let archive = berth.path(&format!("{tag}.tar"));
        let archive = format!("oci-archive:{}:{tag}", archive.display());
        if copy(&stock.source(tag), &archive).is_none() {
            return;
        }
        berth.run(["pull", "--all-platforms", &archive]).expect(0);
        assert_eq!(berth.tags()[tag], stock.digests[tag]);
    }
    assert_sound(&berth);
}

#[test]
fn an_archive_and_a_layout_that_lazaret_wrote() {
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    for tag in TAGS {
        berth
            .run([
                "pull",
                "--all-platforms",
                "--keep-compressed",
                &stock.source(tag),
            ])
            .expect(0);
        let places = [
            format!("oci-archive:{}:{tag}", berth.path("out.tar").display()),
            format!("oci:{}:{tag}", berth.path("out").display()),
        ];
        for (number, place) in places.iter().enumerate() {
            berth.run(["push", "--all", tag, place]).expect(0);
            let to = berth.path(&format!("{tag}{number}"));
            if copy(place, &format!("oci:{}:{tag}", to.display())).is_none() {
                return;
            }
            assert_same(&to, stock.layout.path(), &stock.digests[tag]);
        }
    }
    // All of them are in the one layout by now.
    for tag in TAGS {
        assert_same(&berth.path("out"), stock.layout.path(), &stock.digests[tag]);
    }
}
