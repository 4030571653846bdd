//! A zip archive of stored members whose data begin at multiples of 64 bytes (PKWARE's APPNOTE 6.3.9).

/// Torch's alignment of data; headers and names of members here are shorter.
pub(super) const ALIGNMENT: usize = 64;

/// What each header says of a member: checksum, and size twice.
type Stated = [u32; 3];

/// The archive of these, by name and content.
pub(super) fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut headers = Vec::new();
    for (name, data) in members {
        let offset = bytes.len() as u32;
        let size = data.len() as u32;
        let stated = [crc32fast::hash(data), size, size];
        bytes.extend(b"PK\x03\x04");
        le16(&mut bytes, &[20, 0, 0, 0, 0x21]);
        le32(&mut bytes, &stated);
        // `FB`, and as many bytes as put the data where they belong.
        let behind = bytes.len() + 4 + name.len() + 4;
        let padding = behind.next_multiple_of(ALIGNMENT) - behind;
        le16(&mut bytes, &[name.len() as u16, padding as u16 + 4]);
        bytes.extend(name.as_bytes());
        bytes.extend(b"FB");
        le16(&mut bytes, &[padding as u16]);
        bytes.resize(bytes.len() + padding, b'Z');
        bytes.extend(data);
        headers.push((name, stated, offset));
    }
    let directory = bytes.len();
    for (name, stated, offset) in &headers {
        entry(&mut bytes, name, stated, *offset);
    }
    let length = bytes.len() - directory;
    bytes.extend(b"PK\x05\x06");
    le16(
        &mut bytes,
        &[0, 0, members.len() as u16, members.len() as u16],
    );
    le32(&mut bytes, &[length as u32, directory as u32]);
    le16(&mut bytes, &[0]);
    bytes
}

fn entry(bytes: &mut Vec<u8>, name: &str, stated: &Stated, offset: u32) {
    bytes.extend(b"PK\x01\x02");
    le16(bytes, &[20, 20, 0, 0, 0, 0x21]);
    le32(bytes, stated);
    le16(bytes, &[name.len() as u16, 0, 0, 0, 0]);
    le32(bytes, &[0, offset]);
    bytes.extend(name.as_bytes());
}

fn le16(bytes: &mut Vec<u8>, numbers: &[u16]) {
    for number in numbers {
        bytes.extend(number.to_le_bytes());
    }
}

fn le32(bytes: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        bytes.extend(number.to_le_bytes());
    }
}
