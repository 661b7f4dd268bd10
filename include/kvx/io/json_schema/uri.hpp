#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// A URI reference in its parts, each with its delimiter: `http:`, `//host`, `/path`, `?query`, `#fragment`.
struct UriParts {
  std::string_view scheme, authority, path, query, fragment;

  explicit UriParts(std::string_view uri) {
    const std::size_t hash = std::min(uri.find('#'), uri.size());
    fragment = uri.substr(hash);
    uri = uri.substr(0, hash);
    const std::size_t colon = uri.find(':');
    if (colon != uri.npos && colon > 0 && uri.find_first_of("/?") > colon) {
      scheme = uri.substr(0, colon + 1);
      uri.remove_prefix(colon + 1);
    }
    const std::size_t question = std::min(uri.find('?'), uri.size());
    query = uri.substr(question);
    path = uri.substr(0, question);
    if (path.starts_with("//")) {
      authority = path.substr(0, path.find('/', 2));
      path.remove_prefix(authority.size());
    }
  }
};

/// `path` with its segments `.` and `..` resolved.
inline std::string without_dots(std::string_view path) {
  std::string result;
  for (std::size_t pos = 0; pos <= path.size();) {
    const std::size_t end = std::min(path.find('/', pos), path.size());
    const std::string_view segment = path.substr(pos, end - pos);
    const bool last = end == path.size();
    if (segment == "..") {
      const std::size_t parent = result.size() < 2 ? std::string::npos : result.rfind('/', result.size() - 2);
      result.resize(parent == std::string::npos ? result.starts_with('/') : parent + 1);
    } else if (segment != ".") {
      result.append(segment).append(last ? "" : "/");
    }
    pos = end + 1;
  }
  return result;
}

/// Resolves a reference in a document with the URI `base`, as section 5.2 of RFC 3986 defines.
inline std::string resolved_uri(std::string_view base, std::string_view reference) {
  const UriParts from(base), to(reference);
  if (!to.scheme.empty()) return std::string(reference);
  std::string uri(from.scheme);
  if (!to.authority.empty()) return uri.append(reference);
  uri += from.authority;
  if (to.path.empty())
    uri.append(from.path).append(to.query.empty() ? from.query : to.query);
  else if (to.path.starts_with('/'))
    uri.append(without_dots(to.path)).append(to.query);
  else
    uri.append(without_dots((from.path.empty() && !from.authority.empty()
                                 ? "/"
                                 : std::string(from.path.substr(0, from.path.rfind('/') + 1))) +
                            std::string(to.path)))
        .append(to.query);
  return uri.append(to.fragment);
}

}  // namespace kvx::inline v0::detail
