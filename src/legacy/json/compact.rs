//! JSON text without the white space that means nothing.

/// `json` without the white space between its tokens; strings and numbers stay to the letter.
pub(crate) fn compact(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for character in json.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            ' ' | '\t' | '\n' | '\r' if !in_string => continue,
            _ => {}
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn only_white_space_between_tokens_goes() {
        let json = "{ \"a b\" :\n\t[ 1.50 , \"\\\" x \\\\\" , true ]\r\n}";
        assert_eq!(compact(json), "{\"a b\":[1.50,\"\\\" x \\\\\",true]}");
    }
}
