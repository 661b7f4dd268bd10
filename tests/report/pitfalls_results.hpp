#pragma once

#include <string>

#include "support/temp_dir.hpp"

/// The results.csv of a small run of a press and its fair form. Keywords are lost and lengths kept, prompts leak, and
/// the fair form does better. The cells of knorm have no fair form.
inline std::string pitfalls_results() {
  return "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,"
         "change_high,p,holm_p,better\n"
         "org/m,none,0,,false,ifeval/sys_ifeval,inst_strict,0.7,90,90,0.6,0.8,,,,,,more\n"
         "org/m,snapkv(window=16),0.5,,false,ifeval/sys_ifeval,inst_strict,0.6,90,90,0.5,0.7,,,,,,more\n"
         "org/m,snapkv(window=16),0.9,,false,ifeval/sys_ifeval,inst_strict,0.3,90,90,0.2,0.4,,,,,,more\n"
         "org/m,fair(snapkv(window=16)),0.9,,false,ifeval/sys_ifeval,inst_strict,0.5,90,90,0.4,0.6,,,,,,more\n"
         "org/m,knorm,0.9,,false,ifeval/sys_ifeval,inst_strict,0.1,90,90,0,0.2,,,,,,more\n"
         "org/m,none,0,,false,leakage,rougeL_recall,0.1,40,40,0.05,0.15,,,,,,more\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,rougeL_recall,0.35,40,40,0.2,0.5,0.25,0.1,0.4,0.001,0.003,more\n"
         "org/m,fair(snapkv(window=16)),0.9,,false,leakage,rougeL_recall,0.15,40,40,0.1,0.2,0.05,0,0.1,0.2,0.4,more\n";
}

inline std::string pitfalls_groups() {
  return "model,press,compression_ratio,budget,query_aware,task,group,metric,value,n,contexts,low,high,change,change_"
         "low,change_high\n"
         "org/m,none,0,,false,ifeval/sys_ifeval,keywords,strict,0.8,40,30,0.7,0.9,,,\n"
         "org/m,none,0,,false,ifeval/sys_ifeval,keywords:existence,strict,0.9,20,20,0.7,1,,,\n"
         "org/m,none,0,,false,ifeval/sys_ifeval,keywords,loose,0.9,40,30,0.8,1,,,\n"
         "org/m,none,0,,false,ifeval/sys_ifeval,language,strict,0.5,8,8,,,,,\n"
         "org/m,none,0,,false,ifeval/sys_ifeval,length,strict,0.6,20,20,0.4,0.8,,,\n"
         "org/m,snapkv(window=16),0.9,,false,ifeval/sys_ifeval,keywords,strict,0.2,40,30,0.1,0.3,-0.6,-0.7,-0.5\n"
         "org/m,snapkv(window=16),0.9,,false,ifeval/sys_ifeval,language,strict,0,8,8,,,-0.5,,\n"
         "org/m,snapkv(window=16),0.9,,false,ifeval/sys_ifeval,length,strict,0.55,20,20,0.3,0.7,-0.05,-0.2,0.1\n"
         "org/m,snapkv(window=16),0.5,,false,ifeval/sys_ifeval,keywords,strict,0.7,40,30,0.6,0.8,-0.1,-0.2,0\n"
         "org/m,snapkv(window=16),0.5,,false,ifeval/sys_ifeval,length,strict,0.65,20,20,0.4,0.8,0.05,0.01,0.1\n"
         "org/m,fair(snapkv(window=16)),0.9,,false,ifeval/sys_ifeval,keywords,strict,0.6,40,30,0.5,0.7,-0.2,-0.3,-0.1\n"
         "org/m,fair(snapkv(window=16)),0.9,,false,ifeval/sys_ifeval,length,strict,0.3,20,20,0.1,0.5,-0.3,-0.4,-0.2\n"
         "org/m,none,0,,false,leakage,defense/standard,rougeL_recall,0.1,20,20,0.05,0.15,,,\n"
         "org/m,none,0,,false,leakage,attack/Prefix Injection,rougeL_recall,0.12,20,20,0.05,0.2,,,\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,defense/standard,rougeL_recall,0.4,20,20,0.2,0.5,0.3,0.1,0.5\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,attack/Prefix "
         "Injection,rougeL_recall,0.5,20,20,0.3,0.6,0.38,0.1,0.6\n";
}

inline std::string pitfalls_kept_spans() {
  return "model,press,compression_ratio,budget,query_aware,task,span,contexts,tokens,share_kept,share_kept_of_all,"
         "relative\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,all,2,20,0.125,0.125,1\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,rest,2,8,0.25,0.125,2\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,instructions,2,6,0.0625,0.125,0.5\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,defense,2,6,0.03125,0.125,0.25\n";
}

/// Two layers of two heads.
inline std::string pitfalls_kept_heads() {
  return "model,press,compression_ratio,budget,query_aware,task,span,layer,head,contexts,tokens,kept\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,all,0,0,2,20,4\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,all,0,1,2,20,2\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,all,1,0,2,20,0\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,all,1,1,2,20,20\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,defense,0,0,2,6,3\n";
}

inline std::string pitfalls_entropy() {
  return "model,press,compression_ratio,budget,query_aware,task,token,entropy,n,contexts,base,change,paired\n"
         "org/m,none,0,,false,leakage,0,1,6,6,1,0,6\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,0,2,6,6,1,1,6\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,1,4,5,5,,,0\n"
         "org/m,snapkv(window=16),0.9,,false,leakage,2,9,4,4,1,3,2\n";
}

inline std::string pitfalls_prompts() {
  return R"j([{"model":"org/m","task":"leakage","query_aware":true,"index":3,"heads":4,"tokens":["<do>"," not","\n","tell"],)j"
         R"j("spans":[{"name":"defense","first":1,"last":3}],"cells":[)j"
         R"j({"press":"snapkv(window=16)","compression_ratio":0.9,"budget":"","query_aware":false,"kept_by":[4,0,1,3]},)j"
         R"j({"press":"knorm","compression_ratio":0.9,"budget":"","query_aware":false,"kept_by":[0,4,4,0]}]}])j"
         "\n";
}

/// Writes all files of the run to a directory.
inline void write_pitfalls(const TempDir& dir) {
  // The names of the presses have no comma, so no field needs quotes.
  dir.write("results.csv", pitfalls_results());
  dir.write("groups.csv", pitfalls_groups());
  dir.write("kept_spans.csv", pitfalls_kept_spans());
  dir.write("kept_heads.csv", pitfalls_kept_heads());
  dir.write("entropy.csv", pitfalls_entropy());
  dir.write("kept_text.json", pitfalls_prompts());
}
