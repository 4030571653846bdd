//! Zip archives by hand, laid out as torch does it, every field of which can be bent.

/// A member.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    /// What headers state: checksum and both sizes.
    pub stated: [u32; 3],
    pub central_extra: Vec<u8>,
    pub comment: Vec<u8>,
    /// In the local header, where it differs.
    pub local_name: Option<Vec<u8>>,
    pub local_flags: Option<u16>,
    pub local_method: Option<u16>,
    pub local_stated: Option<[u32; 3]>,
    pub local_extra: Option<Vec<u8>>,
    /// Behind the data.
    pub behind: Option<Vec<u8>>,
    /// Of the local header, where the directory lies.
    pub offset: Option<u32>,
}

impl Member {
    /// As torch writes it: sizes behind the data, and padding to 64 bytes.
    pub fn new(name: &str, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        let size = data.len() as u32;
        Self {
            name: name.as_bytes().to_vec(),
            flags: 0x0808,
            method: 0,
            stated: [crc32fast::hash(&data), size, size],
            data,
            central_extra: Vec::new(),
            comment: Vec::new(),
            local_name: None,
            local_flags: None,
            local_method: None,
            local_stated: None,
            local_extra: None,
            behind: None,
            offset: None,
        }
    }

    /// As Python writes it: sizes in the header.
    pub fn plain(name: &str, data: impl Into<Vec<u8>>) -> Self {
        let mut member = Self::new(name, data);
        member.flags = 0;
        member
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// An archive.
#[derive(Debug, Clone, Default)]
pub struct Zip {
    pub members: Vec<Member>,
    /// Torch always writes the 64-bit end record.
    pub is_long: bool,
}

/// What [`Zip::build`] made: the bytes, and where things are.
#[derive(Debug, Clone)]
pub struct Built {
    pub bytes: Vec<u8>,
    /// Offsets of the local headers.
    pub headers: Vec<usize>,
    /// Offsets of the data.
    pub data: Vec<usize>,
    /// Offsets of the directory's entries.
    pub entries: Vec<usize>,
    /// Offset of the directory, and of the end record.
    pub directory: usize,
    pub end: usize,
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

fn le64(bytes: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        bytes.extend(number.to_le_bytes());
    }
}

/// `FB`, and as many bytes as put the data at a multiple of 64.
fn padding(start: usize) -> Vec<u8> {
    let length = (64 - (start + 4) % 64) % 64;
    let mut extra = b"FB".to_vec();
    le16(&mut extra, &[length as u16]);
    extra.resize(4 + length, b'Z');
    extra
}

impl Zip {
    pub fn new(members: Vec<Member>) -> Self {
        Self {
            members,
            is_long: true,
        }
    }

    pub fn build(&self) -> Built {
        let mut bytes = Vec::new();
        let mut built = Built {
            bytes: Vec::new(),
            headers: Vec::new(),
            data: Vec::new(),
            entries: Vec::new(),
            directory: 0,
            end: 0,
        };
        for member in &self.members {
            local(&mut bytes, member, &mut built);
        }
        built.directory = bytes.len();
        for (member, &header) in self.members.iter().zip(&built.headers) {
            built.entries.push(bytes.len());
            bytes.extend(b"PK\x01\x02");
            le16(&mut bytes, &[0, 0, member.flags, member.method, 0, 0]);
            le32(&mut bytes, &member.stated);
            let lengths = [&member.name, &member.central_extra, &member.comment];
            le16(&mut bytes, &lengths.map(|part| part.len() as u16));
            le16(&mut bytes, &[0, 0]);
            le32(&mut bytes, &[0, member.offset.unwrap_or(header as u32)]);
            for part in lengths {
                bytes.extend(part);
            }
        }
        let count = self.members.len();
        let place = built.directory as u64;
        let length = bytes.len() as u64 - place;
        if self.is_long {
            let record = bytes.len() as u64;
            bytes.extend(b"PK\x06\x06");
            le64(&mut bytes, &[44]);
            le16(&mut bytes, &[0x031e, 45]);
            le32(&mut bytes, &[0, 0]);
            le64(&mut bytes, &[count as u64, count as u64, length, place]);
            bytes.extend(b"PK\x06\x07");
            le32(&mut bytes, &[0]);
            le64(&mut bytes, &[record]);
            le32(&mut bytes, &[1]);
        }
        built.end = bytes.len();
        bytes.extend(b"PK\x05\x06");
        le16(&mut bytes, &[0, 0, count as u16, count as u16]);
        le32(&mut bytes, &[length as u32, place as u32]);
        le16(&mut bytes, &[0]);
        built.bytes = bytes;
        built
    }
}

fn local(bytes: &mut Vec<u8>, member: &Member, built: &mut Built) {
    let start = bytes.len();
    built.headers.push(start);
    let is_later = member.flags & 8 != 0;
    let name = member.local_name.as_ref().unwrap_or(&member.name);
    let extra = member.local_extra.clone().unwrap_or_else(|| {
        if is_later {
            padding(start + 30 + name.len())
        } else {
            Vec::new()
        }
    });
    let stated = if is_later { [0; 3] } else { member.stated };
    bytes.extend(b"PK\x03\x04");
    le16(bytes, &[0, member.local_flags.unwrap_or(member.flags)]);
    le16(bytes, &[member.local_method.unwrap_or(member.method), 0, 0]);
    le32(bytes, &member.local_stated.unwrap_or(stated));
    le16(bytes, &[name.len() as u16, extra.len() as u16]);
    bytes.extend(name);
    bytes.extend(extra);
    built.data.push(bytes.len());
    bytes.extend(&member.data);
    match &member.behind {
        Some(behind) => bytes.extend(behind),
        None if is_later => {
            bytes.extend(b"PK\x07\x08");
            le32(bytes, &member.stated);
        }
        None => {}
    }
}

/// An archive as `torch.save` writes it, with these storages.
pub fn checkpoint(pickle: impl Into<Vec<u8>>, storages: &[(&str, Vec<u8>)]) -> Zip {
    let mut members = vec![
        Member::new("archive/data.pkl", pickle),
        Member::new("archive/.format_version", "1"),
        Member::new("archive/byteorder", "little"),
    ];
    for (key, data) in storages {
        members.push(Member::new(&format!("archive/data/{key}"), data.clone()));
    }
    members.push(Member::new("archive/version", "3\n"));
    members.push(Member::new("archive/.data/serialization_id", [b'1'; 40]));
    Zip::new(members)
}
