//! Members, frames, truncation, garbage and bombs.

use std::io::Write as _;

use flate2::Compression as Level;
use flate2::write::GzEncoder;

use super::*;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zstd_frame(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 3).unwrap()
}

fn unpack(data: &[u8], compression: Compression, limits: UnpackLimits) -> Result<Vec<u8>, String> {
    let mut unpacker = Unpacker::new(data, compression, limits).unwrap();
    let mut out = Vec::new();
    let mut piece = vec![0; 1000];
    loop {
        match unpacker.fill(&mut piece) {
            Ok(count) => {
                out.extend_from_slice(&piece[..count]);
                if count < piece.len() {
                    return Ok(out);
                }
            }
            Err(UnpackError::Fault(fault)) => return Err(fault.to_string()),
            Err(UnpackError::Source(error)) => return Err(format!("source: {error}")),
        }
    }
}

fn sample() -> Vec<u8> {
    (0..50_000_u32)
        .flat_map(|n| (n / 7).to_le_bytes())
        .collect()
}

#[test]
fn members_and_frames_are_joined() {
    let data = sample();
    let (a, b) = data.split_at(70_001);
    let limits = UnpackLimits::default();
    let two = [gzip(a), gzip(b"")].concat();
    assert_eq!(
        unpack(&[two, gzip(b)].concat(), Compression::Gzip, limits).unwrap(),
        data
    );
    let skippable = [
        &0x184d_2a53_u32.to_le_bytes()[..],
        &5_u32.to_le_bytes(),
        b"hello",
    ]
    .concat();
    let frames = [
        skippable.clone(),
        zstd_frame(a),
        skippable.clone(),
        zstd_frame(b),
        skippable,
    ]
    .concat();
    assert_eq!(unpack(&frames, Compression::Zstd, limits).unwrap(), data);
    assert_eq!(unpack(&data, Compression::None, limits).unwrap(), data);
}

#[test]
fn every_truncation_is_refused() {
    let data = &sample()[..3000];
    for (packed, compression) in [
        (gzip(data), Compression::Gzip),
        (zstd_frame(data), Compression::Zstd),
        ([gzip(data), gzip(data)].concat(), Compression::Gzip),
    ] {
        let boundary = packed.len() / 2;
        for length in 0..packed.len() {
            let whole_member = compression == Compression::Gzip
                && length == boundary
                && packed[boundary..].starts_with(&[0x1f, 0x8b]);
            let result = unpack(&packed[..length], compression, UnpackLimits::default());
            assert_eq!(result.is_ok(), whole_member, "{compression:?} {length}");
        }
    }
}

#[test]
fn trailing_garbage_is_refused_with_its_offset() {
    let packed = gzip(b"hello");
    let with = |tail: &[u8]| {
        unpack(
            &[&packed[..], tail].concat(),
            Compression::Gzip,
            UnpackLimits::default(),
        )
    };
    assert_eq!(
        with(b"\0\0\0").unwrap_err(),
        format!(
            "gzip data is followed by something else at offset {}",
            packed.len()
        )
    );
    assert!(with(&[0x1f]).is_err());
    assert!(with(&[0x1f, 0x8c, 8, 0]).is_err());
    let frame = [zstd_frame(b"hello"), b"garbage".to_vec()].concat();
    assert!(unpack(&frame, Compression::Zstd, UnpackLimits::default()).is_err());
}

#[test]
fn a_flipped_byte_never_passes_for_the_original() {
    let data = &sample()[..2000];
    for (packed, compression) in [
        (gzip(data), Compression::Gzip),
        (zstd::bulk::compress(data, 3).unwrap(), Compression::Zstd),
    ] {
        for index in 0..packed.len() {
            let mut broken = packed.clone();
            broken[index] ^= 0x40;
            // What still decompresses is caught by the blob digest; it must not panic here.
            let _ = unpack(&broken, compression, UnpackLimits::default());
        }
    }
}

#[test]
fn bombs_are_refused_early() {
    let zeroes = vec![0; 4 << 20];
    let limits = UnpackLimits {
        size: 3 << 20,
        ratio: 100,
        free: 1 << 20,
        ..UnpackLimits::default()
    };
    for (packed, compression) in [
        (gzip(&zeroes), Compression::Gzip),
        (zstd_frame(&zeroes), Compression::Zstd),
    ] {
        let error = unpack(&packed, compression, limits).unwrap_err();
        assert!(error.contains("more than 100 times"), "{error}");
        let roomy = UnpackLimits {
            ratio: u64::MAX,
            ..limits
        };
        let error = unpack(&packed, compression, roomy).unwrap_err();
        assert_eq!(
            error,
            format!("decompresses to more than {} bytes", 3 << 20)
        );
        unpack(&packed, compression, UnpackLimits::default()).unwrap();
    }
}
