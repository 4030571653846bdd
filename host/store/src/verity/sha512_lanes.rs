//! SHA-512 of several messages at once, one message to a vector lane (x86-64 only).
//!
//! The blocks of a Merkle tree do not depend on each other, so their rounds run side by side: eight
//! lanes in AVX-512 registers, or four in AVX2 ones. The round function is FIPS 180-4 section 6.4.
//!
//! LLVM does not vectorise these loops on its own once they are unrolled, so the vector operations
//! are spelled out. Inside a `#[target_feature]` function the intrinsics used here are safe; the
//! only unsafe step is entering such a function, which [`Engine::hash`] does after detection.

use std::arch::x86_64::*;

/// Bytes of a compression block.
const CHUNK: usize = 128;

/// Bytes of a digest.
const DIGEST: usize = 64;

/// Most lanes any engine has.
pub(super) const MAX_LANES: usize = 8;

/// FIPS 180-4 section 5.3.5.
const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// FIPS 180-4 section 4.2.3.
const ROUNDS: [[u64; 16]; 5] = [
    [
        0x428a_2f98_d728_ae22,
        0x7137_4491_23ef_65cd,
        0xb5c0_fbcf_ec4d_3b2f,
        0xe9b5_dba5_8189_dbbc,
        0x3956_c25b_f348_b538,
        0x59f1_11f1_b605_d019,
        0x923f_82a4_af19_4f9b,
        0xab1c_5ed5_da6d_8118,
        0xd807_aa98_a303_0242,
        0x1283_5b01_4570_6fbe,
        0x2431_85be_4ee4_b28c,
        0x550c_7dc3_d5ff_b4e2,
        0x72be_5d74_f27b_896f,
        0x80de_b1fe_3b16_96b1,
        0x9bdc_06a7_25c7_1235,
        0xc19b_f174_cf69_2694,
    ],
    [
        0xe49b_69c1_9ef1_4ad2,
        0xefbe_4786_384f_25e3,
        0x0fc1_9dc6_8b8c_d5b5,
        0x240c_a1cc_77ac_9c65,
        0x2de9_2c6f_592b_0275,
        0x4a74_84aa_6ea6_e483,
        0x5cb0_a9dc_bd41_fbd4,
        0x76f9_88da_8311_53b5,
        0x983e_5152_ee66_dfab,
        0xa831_c66d_2db4_3210,
        0xb003_27c8_98fb_213f,
        0xbf59_7fc7_beef_0ee4,
        0xc6e0_0bf3_3da8_8fc2,
        0xd5a7_9147_930a_a725,
        0x06ca_6351_e003_826f,
        0x1429_2967_0a0e_6e70,
    ],
    [
        0x27b7_0a85_46d2_2ffc,
        0x2e1b_2138_5c26_c926,
        0x4d2c_6dfc_5ac4_2aed,
        0x5338_0d13_9d95_b3df,
        0x650a_7354_8baf_63de,
        0x766a_0abb_3c77_b2a8,
        0x81c2_c92e_47ed_aee6,
        0x9272_2c85_1482_353b,
        0xa2bf_e8a1_4cf1_0364,
        0xa81a_664b_bc42_3001,
        0xc24b_8b70_d0f8_9791,
        0xc76c_51a3_0654_be30,
        0xd192_e819_d6ef_5218,
        0xd699_0624_5565_a910,
        0xf40e_3585_5771_202a,
        0x106a_a070_32bb_d1b8,
    ],
    [
        0x19a4_c116_b8d2_d0c8,
        0x1e37_6c08_5141_ab53,
        0x2748_774c_df8e_eb99,
        0x34b0_bcb5_e19b_48a8,
        0x391c_0cb3_c5c9_5a63,
        0x4ed8_aa4a_e341_8acb,
        0x5b9c_ca4f_7763_e373,
        0x682e_6ff3_d6b2_b8a3,
        0x748f_82ee_5def_b2fc,
        0x78a5_636f_4317_2f60,
        0x84c8_7814_a1f0_ab72,
        0x8cc7_0208_1a64_39ec,
        0x90be_fffa_2363_1e28,
        0xa450_6ceb_de82_bde9,
        0xbef9_a3f7_b2c6_7915,
        0xc671_78f2_e372_532b,
    ],
    [
        0xca27_3ece_ea26_619c,
        0xd186_b8c7_21c0_c207,
        0xeada_7dd6_cde0_eb1e,
        0xf57d_4f7f_ee6e_d178,
        0x06f0_67aa_7217_6fba,
        0x0a63_7dc5_a2c8_98a6,
        0x113f_9804_bef9_0dae,
        0x1b71_0b35_131c_471b,
        0x28db_77f5_2304_7d84,
        0x32ca_ab7b_40c7_2493,
        0x3c9e_be0a_15c9_bebc,
        0x431d_67c4_9c10_0d4c,
        0x4cc5_d4be_cb3e_42b6,
        0x597f_299c_fc65_7e2a,
        0x5fcb_6fab_3ad6_faec,
        0x6c44_198c_4a47_5817,
    ],
];

/// A way to hash several messages at once that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Engine(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Eight or four lanes; rotation and three-operand logic are single instructions.
    Avx512,
    /// Four lanes.
    Avx2,
}

impl Engine {
    /// The engines this processor has, best first. Constructing one is the proof that the
    /// instructions are there.
    pub(super) fn detected() -> impl Iterator<Item = Self> {
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        let avx2 = is_x86_feature_detected!("avx2");
        [(avx512, Kind::Avx512), (avx2, Kind::Avx2)]
            .into_iter()
            .filter_map(|(present, kind)| present.then_some(Self(kind)))
    }

    /// How many of `waiting` messages to hash in one go; 1 means that one message is cheaper
    /// alone, in scalar code. The thresholds are measured (`benches/verity.rs`): eight AVX-512
    /// lanes cost 1.7 scalar hashes, four cost 1.2, four AVX2 lanes cost 2.1.
    pub(super) const fn take(self, waiting: usize) -> usize {
        match (self.0, waiting) {
            (Kind::Avx512, 8..) => 8,
            (Kind::Avx512, 2..) | (Kind::Avx2, 3) => waiting,
            (Kind::Avx2, 4..) => 4,
            _ => 1,
        }
    }

    /// Hashes 1 to [`MAX_LANES`] messages (AVX2: 1 to 4) of one length, a multiple of 128 bytes,
    /// into `out`, 64 bytes each.
    ///
    /// # Panics
    /// When a count or length is not as said.
    pub(super) fn hash(self, messages: &[&[u8]], out: &mut [u8]) {
        assert_eq!(out.len(), messages.len() * DIGEST, "room for every digest");
        // SAFETY: `Engine` is only made by `detected`, which checked for the very features that
        // the function called requires. They have no other precondition.
        unsafe {
            match (self.0, messages.len()) {
                (Kind::Avx512, 5..) => zmm::hash(messages, out),
                (Kind::Avx512, _) => ymm_avx512::hash(messages, out),
                (Kind::Avx2, _) => ymm_avx2::hash(messages, out),
            }
        }
    }
}

/// The algorithm over the operations `add`, `ror`, `shr`, `xor3`, `choose`, `majority`, `splat`,
/// `load` and `words` of the module it is expanded in.
macro_rules! sha512 {
    ($features:literal, $lanes:literal) => {
        #[inline]
        #[target_feature(enable = $features)]
        fn schedule(w: &mut [Vector; 16], t: usize) {
            let w15 = w[(t + 1) & 15];
            let w2 = w[(t + 14) & 15];
            let s0 = xor3(ror::<1>(w15), ror::<8>(w15), shr::<7>(w15));
            let s1 = xor3(ror::<19>(w2), ror::<61>(w2), shr::<6>(w2));
            w[t] = add(add(w[t], s0), add(w[(t + 9) & 15], s1));
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn round(state: [Vector; 8], input: Vector) -> [Vector; 8] {
            let [a, b, c, d, e, f, g, h] = state;
            let s1 = xor3(ror::<14>(e), ror::<18>(e), ror::<41>(e));
            let t1 = add(add(h, input), add(s1, choose(e, f, g)));
            let s0 = xor3(ror::<28>(a), ror::<34>(a), ror::<39>(a));
            let t2 = add(s0, majority(a, b, c));
            [add(t1, t2), a, b, c, add(d, t1), e, f, g]
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn compress(state: &mut [Vector; 8], w: &mut [Vector; 16]) {
            let mut working = *state;
            for t in 0..16 {
                working = round(working, add(w[t], splat(ROUNDS[0][t])));
            }
            for constants in &ROUNDS[1..] {
                for t in 0..16 {
                    schedule(w, t);
                    working = round(working, add(w[t], splat(constants[t])));
                }
            }
            for (sum, word) in state.iter_mut().zip(working) {
                *sum = add(*sum, word);
            }
        }

        #[target_feature(enable = $features)]
        pub(super) fn hash(messages: &[&[u8]], out: &mut [u8]) {
            // Lanes without a message of their own repeat the last one.
            let last = messages.len() - 1;
            let lanes: [&[[u8; CHUNK]]; $lanes] = std::array::from_fn(|lane| {
                let (chunks, rest) = messages[lane.min(last)].as_chunks();
                assert!(rest.is_empty(), "a multiple of the compression block");
                chunks
            });
            let length = lanes[0].len();
            assert!(
                lanes.iter().all(|lane| lane.len() == length),
                "equal lengths"
            );

            let mut state = [splat(0); 8];
            for (word, initial) in state.iter_mut().zip(INITIAL) {
                *word = splat(initial);
            }
            for position in 0..length {
                // Not `from_fn`: a closure of this function is not inlined into it.
                let mut chunks = [&lanes[0][position]; $lanes];
                for (chunk, lane) in chunks.iter_mut().zip(lanes) {
                    *chunk = &lane[position];
                }
                compress(&mut state, &mut load(chunks));
            }
            // The padding: a one bit, zeroes, the length in bits.
            let mut padding = [splat(0); 16];
            padding[0] = splat(1 << 63);
            padding[15] = splat((length * CHUNK * 8) as u64);
            compress(&mut state, &mut padding);

            for (index, vector) in state.into_iter().enumerate() {
                let words = words(vector);
                for (digest, word) in out.chunks_exact_mut(DIGEST).zip(words) {
                    digest[index * 8..][..8].copy_from_slice(&word.to_be_bytes());
                }
            }
        }
    };
}

fn word(bytes: &[u8], index: usize) -> i64 {
    i64::from_ne_bytes(bytes.as_chunks().0[index])
}

/// Eight lanes in 512-bit registers.
mod zmm {
    use super::*;

    type Vector = __m512i;

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn add(a: Vector, b: Vector) -> Vector {
        _mm512_add_epi64(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn ror<const N: i32>(a: Vector) -> Vector {
        _mm512_ror_epi64::<N>(a)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn shr<const N: u32>(a: Vector) -> Vector {
        _mm512_srli_epi64::<N>(a)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm512_ternarylogic_epi64::<0x96>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn choose(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm512_ternarylogic_epi64::<0xca>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm512_ternarylogic_epi64::<0xe8>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn splat(a: u64) -> Vector {
        _mm512_set1_epi64(a.cast_signed())
    }

    /// Sixteen vectors, each one big-endian word of every lane: two 8x8 transpositions.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn load(lanes: [&[u8; CHUNK]; 8]) -> [Vector; 16] {
        let swap = _mm512_broadcast_i32x4(_mm_set_epi8(
            8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7,
        ));
        let mut out = [_mm512_setzero_si512(); 16];
        for half in 0..2 {
            let mut rows = [_mm512_setzero_si512(); 8];
            for (row, lane) in rows.iter_mut().zip(lanes) {
                let at = half * 8;
                *row = _mm512_set_epi64(
                    word(lane, at + 7),
                    word(lane, at + 6),
                    word(lane, at + 5),
                    word(lane, at + 4),
                    word(lane, at + 3),
                    word(lane, at + 2),
                    word(lane, at + 1),
                    word(lane, at),
                );
                *row = _mm512_shuffle_epi8(*row, swap);
            }
            let mut pairs = [_mm512_setzero_si512(); 8];
            for i in 0..4 {
                pairs[2 * i] = _mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]);
            }
            for odd in 0..2 {
                let a = _mm512_shuffle_i64x2::<0x88>(pairs[odd], pairs[2 + odd]);
                let b = _mm512_shuffle_i64x2::<0xdd>(pairs[odd], pairs[2 + odd]);
                let c = _mm512_shuffle_i64x2::<0x88>(pairs[4 + odd], pairs[6 + odd]);
                let d = _mm512_shuffle_i64x2::<0xdd>(pairs[4 + odd], pairs[6 + odd]);
                out[half * 8 + odd] = _mm512_shuffle_i64x2::<0x88>(a, c);
                out[half * 8 + 2 + odd] = _mm512_shuffle_i64x2::<0x88>(b, d);
                out[half * 8 + 4 + odd] = _mm512_shuffle_i64x2::<0xdd>(a, c);
                out[half * 8 + 6 + odd] = _mm512_shuffle_i64x2::<0xdd>(b, d);
            }
        }
        out
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn words(vector: Vector) -> [u64; 8] {
        let low = _mm512_castsi512_si256(vector);
        let high = _mm512_extracti64x4_epi64::<1>(vector);
        [
            _mm256_extract_epi64::<0>(low),
            _mm256_extract_epi64::<1>(low),
            _mm256_extract_epi64::<2>(low),
            _mm256_extract_epi64::<3>(low),
            _mm256_extract_epi64::<0>(high),
            _mm256_extract_epi64::<1>(high),
            _mm256_extract_epi64::<2>(high),
            _mm256_extract_epi64::<3>(high),
        ]
        .map(i64::cast_unsigned)
    }

    sha512!("avx512f,avx512bw,avx512vl", 8);
}

/// What both four-lane versions share.
macro_rules! four_lanes {
    ($features:literal) => {
        type Vector = __m256i;

        #[inline]
        #[target_feature(enable = $features)]
        fn add(a: Vector, b: Vector) -> Vector {
            _mm256_add_epi64(a, b)
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn shr<const N: i32>(a: Vector) -> Vector {
            _mm256_srli_epi64::<N>(a)
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn splat(a: u64) -> Vector {
            _mm256_set1_epi64x(a.cast_signed())
        }

        /// Sixteen vectors, each one big-endian word of every lane: four 4x4 transpositions.
        #[inline]
        #[target_feature(enable = $features)]
        fn load(lanes: [&[u8; CHUNK]; 4]) -> [Vector; 16] {
            let swap = _mm256_broadcastsi128_si256(_mm_set_epi8(
                8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7,
            ));
            let mut out = [_mm256_setzero_si256(); 16];
            for quarter in 0..4 {
                let at = quarter * 4;
                let mut rows = [_mm256_setzero_si256(); 4];
                for (row, lane) in rows.iter_mut().zip(lanes) {
                    *row = _mm256_set_epi64x(
                        word(lane, at + 3),
                        word(lane, at + 2),
                        word(lane, at + 1),
                        word(lane, at),
                    );
                    *row = _mm256_shuffle_epi8(*row, swap);
                }
                let a = _mm256_unpacklo_epi64(rows[0], rows[1]);
                let b = _mm256_unpackhi_epi64(rows[0], rows[1]);
                let c = _mm256_unpacklo_epi64(rows[2], rows[3]);
                let d = _mm256_unpackhi_epi64(rows[2], rows[3]);
                out[at] = _mm256_permute2x128_si256::<0x20>(a, c);
                out[at + 1] = _mm256_permute2x128_si256::<0x20>(b, d);
                out[at + 2] = _mm256_permute2x128_si256::<0x31>(a, c);
                out[at + 3] = _mm256_permute2x128_si256::<0x31>(b, d);
            }
            out
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn words(vector: Vector) -> [u64; 4] {
            [
                _mm256_extract_epi64::<0>(vector),
                _mm256_extract_epi64::<1>(vector),
                _mm256_extract_epi64::<2>(vector),
                _mm256_extract_epi64::<3>(vector),
            ]
            .map(i64::cast_unsigned)
        }
    };
}

/// Four lanes in 256-bit registers, with AVX-512's instructions.
mod ymm_avx512 {
    use super::*;

    four_lanes!("avx512f,avx512vl");

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn ror<const N: i32>(a: Vector) -> Vector {
        _mm256_ror_epi64::<N>(a)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm256_ternarylogic_epi64::<0x96>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn choose(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm256_ternarylogic_epi64::<0xca>(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm256_ternarylogic_epi64::<0xe8>(a, b, c)
    }

    sha512!("avx512f,avx512vl", 4);
}

/// Four lanes in 256-bit registers.
mod ymm_avx2 {
    use super::*;

    four_lanes!("avx2");

    #[inline]
    #[target_feature(enable = "avx2")]
    fn ror<const N: i32>(a: Vector) -> Vector {
        let right = _mm256_srl_epi64(a, _mm_cvtsi32_si128(N));
        let left = _mm256_sll_epi64(a, _mm_cvtsi32_si128(64 - N));
        _mm256_or_si256(right, left)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm256_xor_si256(_mm256_xor_si256(a, b), c)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn choose(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm256_xor_si256(c, _mm256_and_si256(a, _mm256_xor_si256(b, c)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
        let either = _mm256_and_si256(c, _mm256_or_si256(a, b));
        _mm256_or_si256(_mm256_and_si256(a, b), either)
    }

    sha512!("avx2", 4);
}
