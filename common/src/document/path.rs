//! Paths inside the repository, by their text alone.

/// The path of `relative` as written in `file`, both inside the repository.
///
/// # Errors
/// Why it names nothing inside the repository, as the end of a sentence.
pub fn beside(file: &str, relative: &str) -> Result<String, &'static str> {
    if relative.is_empty() {
        return Err("the path is empty");
    }
    if relative.starts_with('/') || relative.starts_with('~') || relative.contains(':') {
        return Err("the path is not relative");
    }
    if relative.contains('\\') {
        return Err("parts of a path are separated by `/`");
    }
    if relative.contains(char::is_control) {
        return Err("the path holds a control character");
    }
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("the path leads out of the repository")?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_from_the_folder_of_its_file() {
        assert_eq!(
            beside("environments/prod.toml", "base.toml").unwrap(),
            "environments/base.toml"
        );
        assert_eq!(beside("a/b/c.toml", "./../d//e.toml").unwrap(), "a/d/e.toml");
        assert_eq!(beside("prod.toml", "base.toml").unwrap(), "base.toml");
    }

    #[test]
    fn a_path_out_of_the_repository_is_refused() {
        for out in ["../../x", "/etc/passwd", "~/x", "C:\\x", "file:x", "a\\..\\b", "", "a\nb"] {
            assert!(beside("environments/prod.toml", out).is_err(), "{out}");
        }
    }
}
