#pragma once

#include <string_view>

namespace kvx::inline v0 {

/// The style sheet of a report's page, for light and dark mode.
inline constexpr std::string_view kPageStyle = R"css(
:root { color-scheme: light dark; --page: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d6dbe1; --tint: #f4f6f8;
  --mark: #fdf0d5; --accent: #0062a3; --shade: .6; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --text: #e3e7eb; --quiet: #9aa5b1; --line: #333a42; --tint: #1d2228; --mark: #4a3510;
    --accent: #6db7ee; --shade: .8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 64rem; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p, ul { max-width: 46rem; margin: .5rem 0; }
ul { padding-left: 1.2rem; }
a { color: var(--accent); }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 0 0 1rem; font-size: .9rem; }
figure { margin: 1.25rem 0 2rem; }
figure svg { display: block; max-width: 100%; height: auto; }
figure svg * { font-family: inherit; }
figure svg image { image-rendering: pixelated; }
figcaption, .note { color: var(--quiet); font-size: .875rem; max-width: 46rem; margin-top: .4rem; }
.wide { overflow: auto; max-height: 46rem; margin: .75rem 0 1.5rem; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .5rem .55rem; }
th, td { padding: .3rem .55rem; text-align: left; white-space: nowrap; border-top: 1px solid var(--line); }
td.text { white-space: normal; min-width: 14rem; }
thead th { position: sticky; top: 0; z-index: 2; background: var(--tint); border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { position: sticky; left: 0; z-index: 1; background: var(--page); }
thead th:first-child { z-index: 3; background: var(--tint); }
.n { text-align: right; }
tbody strong { background: var(--mark); padding: .05rem .35rem; border-radius: 3px; }
tbody em { color: var(--quiet); }
details > summary { cursor: pointer; color: var(--accent); }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
h4 { font-size: .9rem; margin: .9rem 0 .3rem; }
pre.kept { max-height: none; padding: .7rem .9rem; background: var(--page); border: 1px solid var(--line); line-height: 1.9;
  font-size: .82rem; }
.kept i, .scale { font-style: normal; background: rgb(0 114 178 / calc(var(--kept) * var(--shade))); }
.scale { display: inline-block; width: 5rem; height: .7em;
  background: linear-gradient(90deg, rgb(0 114 178 / 0), rgb(0 114 178 / var(--shade))); }
.kept s, .gone { color: var(--quiet); text-decoration-thickness: 1px; }
.kept .part { border-bottom: 3px solid; padding-bottom: 1px; }
.kept b { font: 600 .7rem/1 system-ui, sans-serif; color: var(--quiet); margin: 0 .3em; user-select: none; }
.flip { border: 1px solid var(--line); border-radius: 6px; margin: .75rem 0; padding: .6rem .9rem .8rem; }
.flip h4 { margin: 0 0 .4rem; font-size: .9rem; }
.flip h5 { margin: .5rem 0 .15rem; font-size: .78rem; font-weight: 600; color: var(--quiet); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 1rem; }
.pair > div { min-width: 0; }
pre { margin: 0; padding: .5rem .7rem; background: var(--tint); border-radius: 4px; overflow: auto; max-height: 24rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font: .8rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
@media (max-width: 44rem) { figure { overflow-x: auto; } figure svg { max-width: none; } }
@media print { .wide, pre { max-height: none; overflow: visible; } }
)css";

}  // namespace kvx::inline v0
