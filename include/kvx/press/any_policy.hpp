#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/named/parameters.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

struct Decoding;

/// A policy whose type is chosen at run time. Adapters can wrap it like any other policy. It is immutable, and copies
/// share it.
class AnyPolicy {
 public:
  static constexpr std::string_view name = "press";

  /// Empty: the state of an adapter's member `inner` before it gets a policy. Only operator bool and traits() may be
  /// called.
  AnyPolicy() = default;
  template <RegistrablePolicy P>
    requires(!std::same_as<P, AnyPolicy>)
  explicit AnyPolicy(P policy) : policy_(std::make_shared<Holder<P>>(std::move(policy))) {}

  explicit operator bool() const { return policy_ != nullptr; }
  /// The policy's name, without parameters.
  std::string_view policy_name() const { return policy_->policy_name(); }
  /// The written form that the registry parses back to the same policy.
  std::string written() const { return policy_->written(); }
  /// The policy, or nullptr if its type is not P.
  template <class P>
  const P* as() const {
    const auto* holder = dynamic_cast<const Holder<P>*>(policy_.get());
    return holder == nullptr ? nullptr : &holder->policy;
  }

  Traits traits() const { return policy_ == nullptr ? Traits() : policy_->traits(); }
  Needs needs() const { return policy_->needs(); }
  void score(const PressInput& in, const Budget& budget, Scores out) const { policy_->score(in, budget, out); }
  Index rows(const PressInput& in, const Budget& budget) const { return policy_->rows(in, budget); }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    return policy_->select(in, budget, scores);
  }
  Kept select(const PressInput& in, const Allowance& allowance) const { return policy_->select(in, allowance); }
  std::vector<Kept> select_layers(const Budget& budget, std::span<const Matrix<float>> scores) const {
    return policy_->select_layers(budget, scores);
  }
  Index protected_rows() const { return policy_->protected_rows(); }
  void score_ranges(const PressInput& in, const Budget& budget, const Ranges& ranges, Scores out) const {
    policy_->score_ranges(in, budget, ranges, out);
  }
  Needs ranges_needs() const { return policy_->ranges_needs(); }
  bool ranges_quota() const { return policy_->ranges_quota(); }
  void edit(const PressInput& in, Index head, std::span<const Index> kept, HeadRows rows) const {
    policy_->edit(in, head, kept, rows);
  }
  bool edits() const { return traits().edits; }
  Index edit_queries() const { return policy_->edit_queries(); }
  const Decoding* decoding() const { return policy_->decoding(); }
  std::optional<SlidingThreshold> sliding_threshold() const { return policy_->sliding_threshold(); }
  std::optional<CacheQuantization> quantization() const { return policy_->quantization(); }
  /// Whether rows are evicted while answers are decoded, so that each sequence needs its own copy of the rows.
  bool rolls() const { return decoding() != nullptr || sliding_threshold().has_value(); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string_view policy_name() const = 0;
    virtual std::string written() const = 0;
    virtual Traits traits() const = 0;
    virtual Needs needs() const = 0;
    virtual void score(const PressInput&, const Budget&, Scores) const = 0;
    virtual Index rows(const PressInput&, const Budget&) const = 0;
    virtual Kept select(const PressInput&, const Budget&, MatrixView<const float>) const = 0;
    virtual Kept select(const PressInput&, const Allowance&) const = 0;
    virtual std::vector<Kept> select_layers(const Budget&, std::span<const Matrix<float>>) const = 0;
    virtual Index protected_rows() const = 0;
    virtual void score_ranges(const PressInput&, const Budget&, const Ranges&, Scores) const = 0;
    virtual Needs ranges_needs() const = 0;
    virtual bool ranges_quota() const = 0;
    virtual void edit(const PressInput&, Index, std::span<const Index>, HeadRows) const = 0;
    virtual Index edit_queries() const = 0;
    virtual const Decoding* decoding() const = 0;
    virtual std::optional<SlidingThreshold> sliding_threshold() const = 0;
    virtual std::optional<CacheQuantization> quantization() const = 0;
  };
  template <class P>
  struct Holder final : Interface {
    explicit Holder(P p) : policy(std::move(p)) {}
    std::string_view policy_name() const override { return P::name; }
    std::string written() const override { return written_form(policy); }
    Traits traits() const override { return hooks().traits(); }
    Needs needs() const override { return hooks().needs(); }
    void score(const PressInput& in, const Budget& budget, Scores out) const override {
      check(P::name, needs(), in);
      hooks().score(in, budget, out);
    }
    Index rows(const PressInput& in, const Budget& budget) const override { return hooks().rows(in, budget); }
    Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const override {
      return select_scored(policy, in, budget, scores);
    }
    Kept select(const PressInput& in, const Allowance& allowance) const override {
      return kvx::select(policy, in, allowance);
    }
    std::vector<Kept> select_layers(const Budget& budget, std::span<const Matrix<float>> scores) const override {
      return hooks().select_layers(budget, scores);
    }
    Index protected_rows() const override { return hooks().protected_rows(); }
    void score_ranges(const PressInput& in, const Budget& budget, const Ranges& ranges, Scores out) const override {
      check(P::name, ranges_needs(), in);
      hooks().score_ranges(in, budget, ranges, out);
    }
    Needs ranges_needs() const override { return hooks().ranges_needs(); }
    bool ranges_quota() const override { return hooks().ranges_quota(); }
    void edit(const PressInput& in, Index head, std::span<const Index> kept, HeadRows rows) const override {
      hooks().edit(in, head, kept, rows);
    }
    Index edit_queries() const override { return hooks().edit_queries(); }
    const Decoding* decoding() const override { return hooks().decoding(); }
    std::optional<SlidingThreshold> sliding_threshold() const override { return hooks().sliding_threshold(); }
    std::optional<CacheQuantization> quantization() const override { return hooks().quantization(); }

    Hooks<P> hooks() const { return Hooks<P>(policy); }
    P policy;
  };

  std::shared_ptr<const Interface> policy_;
};
static_assert(ScorePolicy<AnyPolicy>);

}  // namespace kvx::inline v0
