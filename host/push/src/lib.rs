//! One artifact out: planned, what the destination lacks sent, manifests last.
