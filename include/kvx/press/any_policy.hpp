#pragma once

#include <kvx/press/allowance.hpp>
#include <kvx/press/parameters.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <memory>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// A policy chosen at run time. Copies share it; it is immutable.
class AnyPolicy {
 public:
  template <RegistrablePolicy P>
  explicit AnyPolicy(P policy) : policy_(std::make_shared<Holder<P>>(std::move(policy))) {}

  /// The written form that the registry parses back to the same policy.
  std::string written() const { return policy_->written(); }
  Needs needs() const { return policy_->needs(); }
  bool scores_by_budget() const { return policy_->scores_by_budget(); }
  Index rows(const Budget& budget, Index tokens) const { return policy_->rows(budget, tokens); }
  void score(const PressInput& in, const Budget& budget, Scores out) const { policy_->score(in, budget, out); }
  Kept select(const PressInput& in, const Allowance& allowance) const { return policy_->select(in, allowance); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string written() const = 0;
    virtual Needs needs() const = 0;
    virtual bool scores_by_budget() const = 0;
    virtual Index rows(const Budget&, Index) const = 0;
    virtual void score(const PressInput&, const Budget&, Scores) const = 0;
    virtual Kept select(const PressInput&, const Allowance&) const = 0;
  };
  template <class P>
  struct Holder final : Interface {
    explicit Holder(P p) : policy(std::move(p)) {}
    std::string written() const override { return written_form(policy); }
    Needs needs() const override { return policy.needs(); }
    bool scores_by_budget() const override { return kvx::scores_by_budget<P>; }
    Index rows(const Budget& budget, Index tokens) const override { return rows_of(policy, budget, tokens); }
    void score(const PressInput& in, const Budget& budget, Scores out) const override {
      check(P::name, policy.needs(), in);
      policy.score(in, budget, out);
    }
    Kept select(const PressInput& in, const Allowance& allowance) const override {
      return kvx::select(policy, in, allowance);
    }
    P policy;
  };

  std::shared_ptr<const Interface> policy_;
};

}  // namespace kvx::inline v0
