//! `general.file_type`: what a quantisation is called.
//!
//! Numbers and names are those of `llama.h` (`enum llama_ftype`), without the prefix.

/// By number; empty where there never was one.
#[rustfmt::skip]
const NAMES: [&str; 42] = [
    "F32", "F16", "Q4_0", "Q4_1", "Q4_1_SOME_F16", "Q4_2", "Q4_3", "Q8_0", "Q5_0", "Q5_1",          // 0
    "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K",           // 10
    "IQ2_XXS", "IQ2_XS", "Q2_K_S", "IQ3_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ3_M",        // 19
    "IQ2_S", "IQ2_M", "IQ4_XS", "IQ1_M", "BF16", "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8",                // 28
    "TQ1_0", "TQ2_0", "MXFP4_MOE", "NVFP4", "Q1_0", "Q2_0",                                         // 36
];

/// What the quantisation with this number is called; an unknown one by its number.
#[must_use]
pub fn quantization(number: u64) -> String {
    usize::try_from(number)
        .ok()
        .and_then(|number| NAMES.get(number))
        .map_or_else(|| format!("file type {number}"), |&name| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantisations_have_their_names() {
        for (number, name) in [
            (0, "F32"),
            (1, "F16"),
            (7, "Q8_0"),
            (15, "Q4_K_M"),
            (18, "Q6_K"),
            (25, "IQ4_NL"),
            (30, "IQ4_XS"),
            (32, "BF16"),
            (38, "MXFP4_MOE"),
            (41, "Q2_0"),
            (42, "file type 42"),
            (u64::MAX, "file type 18446744073709551615"),
        ] {
            assert_eq!(quantization(number), name);
        }
    }
}
