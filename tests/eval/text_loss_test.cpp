#include <kvx/eval/speed/text_loss.hpp>

#include "support/error_of.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kvx;

TEST_CASE("a text's loss is that of the second halves of its windows, predicted token by token") {
  Threads threads(2);
  const auto model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  const auto tokens = kvx_test::random_tokens(50, 4);
  double nll = 0;
  for (const std::size_t first : {std::size_t{0}, std::size_t{20}}) {
    for (std::size_t t = 10; t + 1 < 20; ++t) {
      const Matrix<float> logits = compress(model, std::span(tokens).subspan(first, t + 1), AnyPolicy(None()),
                                            Allowance::of_ratio(0), Dtype::f32, threads)
                                       .logits;
      double sum = 0;
      for (Index i = 0; i < logits.cols(); ++i) sum += std::exp(static_cast<double>(logits(0, i)));
      nll += std::log(sum) - static_cast<double>(logits(0, tokens[first + t + 1]));
    }
  }
  const TextLoss loss = text_loss(model, tokens, 20, 9, Dtype::f32, threads);
  CHECK(loss.tokens == 18);
  // A token's logit and the logarithm of the sum may each differ by as much as the logits of two runs.
  const double error = 2 * 2 * double{kvx_test::kLogitRounding};
  CHECK(std::abs(loss.nll - nll) <= 18 * error);
  CHECK(loss.perplexity() == doctest::Approx(std::exp(nll / 18)).epsilon(error));
  CHECK(text_loss(model, tokens, 20, 1, Dtype::f32, threads).tokens == 9);
  CHECK(error_of([&] { (void)text_loss(model, tokens, 51, 1, Dtype::f32, threads); }) ==
        "text: expected at least 51 tokens, found 50");
}
