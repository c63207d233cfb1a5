//! The name of a type, as a person writes it in a configuration.

/// Returns the last segment of a type's path, without its arguments: `Vec` for `Vec<String>`.
///
/// It is what a name is unless somebody chose one, as the last segment of a module's name is in Elixir. Two types may have the same one:
/// `a::Http` and `b::Http`, `Retried<Http>` and `Retried<File>`. It changes when the type is renamed, so where names stand in
/// files that outlive the code, give explicit ones.
///
/// Of `dyn Trait` and `&Type` it is the name of the trait and the type. What has no path, tuples, arrays and slices, is named as the compiler names it.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::default_name;
///
/// mod channels {
///     pub struct Console;
///     pub struct Retried<C>(pub C);
/// }
///
/// assert_eq!(default_name::<channels::Console>(), "Console");
/// assert_eq!(default_name::<channels::Retried<channels::Console>>(), "Retried");
/// assert_eq!(default_name::<Vec<String>>(), "Vec");
/// assert_eq!(default_name::<dyn std::fmt::Debug>(), "Debug");
/// assert_eq!(default_name::<(u8, String)>(), "(u8, alloc::string::String)");
/// ```
#[must_use]
pub fn default_name<T: ?Sized>() -> &'static str {
    last_segment(std::any::type_name::<T>())
}

/// The last segment of a path outside all brackets, cut where its arguments begin.
pub(crate) fn last_segment(path: &str) -> &str {
    let path = without_prefixes(path);
    if path.starts_with(['(', '[', '*']) {
        return path;
    }
    let (mut depth, mut begin) = (0_usize, 0);
    let mut chars = path.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '<' | '(' | '[' | '{' => depth += 1,
            // The arrow of `Fn(A) -> B` closes nothing.
            '-' if matches!(chars.peek(), Some((_, '>'))) => {
                chars.next();
            }
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && path[at..].starts_with("::") => {
                chars.next();
                begin = at + 2;
            }
            // The next bound of `dyn A + B`, or what `Fn(A)` returns: neither belongs to the name.
            ' ' if depth == 0 => return cut(&path[begin..at]),
            _ => {}
        }
    }
    cut(&path[begin..])
}

fn without_prefixes(mut path: &str) -> &str {
    while let Some(rest) = ["&", "mut ", "dyn "]
        .iter()
        .find_map(|prefix| path.strip_prefix(prefix))
    {
        path = rest;
    }
    path
}

/// A segment without its arguments. One that begins with a bracket, a closure's for instance, is all there is.
fn cut(segment: &str) -> &str {
    match segment.find(['<', '(']) {
        Some(at) if at > 0 => &segment[..at],
        _ => segment,
    }
}

#[cfg(test)]
mod tests;
