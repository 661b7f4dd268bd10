#include <kvx/model/config.hpp>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  feed([&] {
    const auto document = kvx::JsonDocument::parse({reinterpret_cast<const char*>(data), size}, "f");
    const auto config = kvx::ModelConfig::parse(document.root(), &document.root());
    constexpr kvx::Index kMaxSize = kvx::Index{1} << 24;
    for (const kvx::Index value : {config.hidden_size, config.intermediate_size, config.layers, config.heads,
                                   config.kv_heads, config.head_dim, config.vocab_size, config.max_positions}) {
      require(value >= 1 && value <= kMaxSize);
    }
    require(config.heads % config.kv_heads == 0 && config.head_dim % 2 == 0 &&
            config.heads * config.head_dim <= kMaxSize);
    require(config.rms_norm_eps >= 0 && config.rms_norm_eps <= 1 && config.rope.theta >= 1);
    for (const kvx::Token token : config.stop_tokens) require(token >= 0);
  });
  return 0;
}

std::vector<std::string> seeds() {
  return {
      R"({"architectures":["Qwen2ForCausalLM"],"model_type":"qwen2","hidden_size":64,"num_attention_heads":4,)"
      R"("num_key_value_heads":2,"head_dim":16,"num_hidden_layers":2,"intermediate_size":128,"vocab_size":512,)"
      R"("hidden_act":"silu","rms_norm_eps":1e-06,"rope_theta":1000000.0,"tie_word_embeddings":true,)"
      R"("max_position_embeddings":4096,"rope_scaling":null,"use_sliding_window":false,"eos_token_id":[5,7]})",
      R"({"model_type":"qwen2","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":2,"intermediate_size":128,)"
      R"("vocab_size":512,"max_position_embeddings":4096,"rope_parameters":{"rope_type":"default","rope_theta":1e4},)"
      R"("use_sliding_window":true,"sliding_window":64,"max_window_layers":2,"eos_token_id":5,)"
      R"("layer_types":["full_attention","full_attention"]})",
      R"({"model_type":"gemma3_text","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":2,"head_dim":16,)"
      R"("intermediate_size":128,"vocab_size":512,"max_position_embeddings":4096,"query_pre_attn_scalar":24,)"
      R"("sliding_window":64,"layer_types":["sliding_attention","full_attention"],"rope_parameters":{)"
      R"("full_attention":{"rope_type":"linear","factor":8.0},"sliding_attention":{"rope_theta":1e4}}})",
      R"({"model_type":"llama","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":2,"attention_bias":true,)"
      R"("intermediate_size":128,"vocab_size":512,"max_position_embeddings":4096,"rope_scaling":{"rope_type":"yarn",)"
      R"("factor":4.0,"beta_fast":32,"beta_slow":1,"mscale":1.0,"mscale_all_dim":0.7,"truncate":false}})",
  };
}
