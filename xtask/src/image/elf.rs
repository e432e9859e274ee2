//! What kind of program a file is.

use anyhow::{Context, Result, bail};
use object::Endianness;
use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use serin_image::Arch;

/// The architecture of a program that can run in an otherwise empty image.
///
/// # Errors
///
/// It is no program for Linux, asks for a dynamic linker, or is for an architecture that the operator is not built for.
pub fn architecture(program: &[u8]) -> Result<Arch> {
    let header = FileHeader64::<Endianness>::parse(program).context("it is no program for 64-bit Linux")?;
    let endian = header.endian()?;
    for segment in header.program_headers(endian, program)? {
        if let Some(linker) = segment.interpreter(endian, program)? {
            bail!(
                "it is dynamically linked: it asks for {}, which is not in the image. \
                 Build it with `-C target-feature=+crt-static`, or leave --binary out",
                String::from_utf8_lossy(linker)
            );
        }
    }
    match header.e_machine(endian) {
        EM_X86_64 => Ok(Arch::Amd64),
        EM_AARCH64 => Ok(Arch::ARM64),
        other => bail!("it is for neither amd64 nor arm64, but for the machine {other} of ELF"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: u32 = 1;
    const INTERP: u32 = 3;

    /// A program with segments of these kinds, each with the name of a dynamic linker in it.
    fn program(machine: u16, segments: &[u32]) -> Vec<u8> {
        let linker = b"/lib/ld.so\0";
        let linker_at = 64 + 56 * segments.len() as u64;
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(16, 0);
        for half in [2, machine] {
            elf.extend(half.to_le_bytes());
        }
        elf.extend(1_u32.to_le_bytes());
        for word in [0_u64, 64, 0] {
            elf.extend(word.to_le_bytes());
        }
        elf.extend(0_u32.to_le_bytes());
        for half in [64, 56, segments.len() as u16, 64, 0, 0] {
            elf.extend(half.to_le_bytes());
        }
        for kind in segments {
            elf.extend(kind.to_le_bytes());
            elf.extend(4_u32.to_le_bytes());
            for word in [linker_at, 0, 0, linker.len() as u64, linker.len() as u64, 1] {
                elf.extend(word.to_le_bytes());
            }
        }
        elf.extend(linker);
        elf
    }

    #[test]
    fn a_static_program_is_known_by_its_architecture() {
        assert_eq!(architecture(&program(62, &[LOAD, LOAD])).unwrap(), Arch::Amd64);
        assert_eq!(architecture(&program(183, &[LOAD])).unwrap(), Arch::ARM64);
    }

    #[test]
    fn a_dynamically_linked_program_is_refused_with_what_it_asks_for() {
        let message = architecture(&program(62, &[LOAD, INTERP])).unwrap_err().to_string();
        assert!(message.contains("asks for /lib/ld.so,") && message.contains("+crt-static"), "{message}");
    }

    /// As tests are built, unless one asks for something else.
    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]
    fn this_very_program_is_refused() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let message = architecture(&program).unwrap_err().to_string();
        assert!(message.contains("it is dynamically linked: it asks for /lib"), "{message}");
    }

    #[test]
    fn what_is_no_program_for_linux_is_refused() {
        for content in [&b"#!/bin/sh\n"[..], b"", b"\x7fELF", b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"] {
            let message = architecture(content).unwrap_err().to_string();
            assert!(message.contains("no program for 64-bit Linux"), "{message}");
        }
    }

    #[test]
    fn another_architecture_is_refused() {
        let message = architecture(&program(243, &[LOAD])).unwrap_err().to_string();
        assert!(message.contains("neither amd64 nor arm64"), "{message}");
    }

    #[test]
    fn a_program_that_ends_too_early_is_refused() {
        let whole = program(62, &[LOAD]);
        let headers = 64 + 56;
        architecture(&whole[..headers]).unwrap();
        for length in 0..headers {
            assert!(architecture(&whole[..length]).is_err(), "after {length} bytes");
        }
    }
}
