# Names each line of a kvx header that declares something outside namespace kvx.
set -eu
find kvx -name '*.hpp' -exec awk '
  FNR == 1 { inside = 0 }
  !inside && /^namespace (kvx::inline v0(::detail)?|valijson::adapters) \{$/ { inside = 1; next }
  inside && /^}  \/\/ namespace (kvx::inline v0(::detail)?|valijson::adapters)$/ { inside = 0; next }
  !inside && !/^$/ && !/^#/ && !/^\/\// { print FILENAME ":" FNR ": outside namespace kvx: " $0; bad = 1 }
  END { exit bad }' {} +
