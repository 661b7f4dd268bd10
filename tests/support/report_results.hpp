#pragma once

#include <string>

/// A results.csv of a small grid. In a cell that keeps 0.5 of the memory, `call_exact` falls by half while perplexity
/// hardly changes; in a cell that keeps 0.25, perplexity doubles while `call_exact` does not change.
inline std::string report_results() {
  return "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,"
         "change_high,p,holm_p,better\n"
         "org/m,none,0,,false,tool_call_2,call_exact,0.8,10,10,0.5,0.9,,,,,,more\n"
         "org/m,none,0,,false,tool_call_2,memory_retained,1,10,10,,,,,,,,more\n"
         "org/m,knorm,0.5,,false,tool_call_2,call_exact,0.4,10,10,0.2,0.6,-0.4,-0.6,-0.2,0.01,0.02,more\n"
         "org/m,knorm,0.5,,false,tool_call_2,memory_retained,0.5,10,10,,,,,,,,more\n"
         "org/m,knorm,0.75,,false,tool_call_2,call_exact,0.8,10,10,0.5,0.9,0,-0.1,0.1,1,1,more\n"
         "org/m,knorm,0.75,,false,tool_call_2,memory_retained,0.25,10,10,,,,,,,,more\n"
         "org/m,\"snapkv(window=32, kernel=5)\",0.6,keep=64,true,tool_call_2,call_exact,0.6,10,10,0.3,0.8,-0.2,-0.3,0,"
         "0.2,0.4,more\n"
         "org/m,\"snapkv(window=32, kernel=5)\",0.6,keep=64,true,tool_call_2,memory_retained,0.4,10,10,,,,,,,,more\n"
         "org/m,none,0,,false,perplexity/story,perplexity,20,4,4,15,25,,,,,,more\n"
         "org/m,knorm,0.5,,false,perplexity/story,loss,3,4,4,2,4,0.05,-0.1,0.2,0.5,0.5,more\n"
         "org/m,knorm,0.5,,false,perplexity/story,perplexity,21,4,4,16,26,,,,,,more\n"
         "org/m,knorm,0.75,,false,perplexity/story,perplexity,40,4,4,30,50,,,,,,more\n";
}

/// A kv_metrics.csv for the same grid. The name of the model is the last part of its path.
inline std::string report_kv_metrics() {
  return "model,dataset,press,compression_ratio,budget,query_aware,contexts,ppl,prefill_time,ttft,tpot,throughput,"
         "decode_time,"
         "total_generation_time,ppl_delta,prefill_speedup,ttft_speedup,tpot_speedup,throughput_ratio\n"
         "m,story,none,0,,false,2,99,1,1.1,0.04,25,2,3.1,0,1,1,1,1\n"
         "m,story,knorm,0.5,,false,2,99,1,1.1,0.02,50,1,2.1,0,1,1,2,2\n"
         "m,wiki,none,0,,false,2,10,1,1.1,,25,2,3.1,0,1,1,,1\n"
         "m,wiki,knorm,0.5,,false,2,12,1,1.1,,50,1,2.1,2,1,1,,2\n";
}
