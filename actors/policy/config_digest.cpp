#include "actors/policy/config_digest.hpp"

#include "config/describe_settings.hpp"

#include <array>

#include <openssl/evp.h>

namespace berth {

std::string digest_of(const Settings& settings) {
  auto text = std::string{};
  // Neither paths nor values hold a zero byte.
  for (const auto& row : describe(settings))
    text.append(row.path).append(1, '\0').append(row.value).append(1, '\0');
  auto hash = std::array<unsigned char, EVP_MAX_MD_SIZE>{};
  auto size = 0u;
  if (EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1)
    return "sha256:unavailable";
  constexpr auto digits = "0123456789abcdef";
  auto result = std::string{"sha256:"};
  for (auto i = 0u; i < size; ++i)
    result.append(1, digits[hash[i] >> 4]).append(1, digits[hash[i] & 15]);
  return result;
}

} // namespace berth
