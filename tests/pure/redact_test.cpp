#include "apps/berth/redact.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace berth::cli;

namespace {

struct Row {
  const char* before;
  const char* after;
};

} // namespace

TEST_CASE("names of secrets are known by their words, and others are left alone", "[redact]") {
  for (auto name : {"PASSWORD", "db_password", "API_KEY", "apiKey", "api-key", "x-auth", "authorization", "AWS_SECRET_ACCESS_KEY",
                    "github.token", "MYSQL_PWD", "sessionCookie", "passphrase", "key"}) {
    CAPTURE(name);
    CHECK(is_secret_name(name));
  }
  for (auto name : {"PWD", "OLDPWD", "PATH", "keyboard", "monkey", "author", "compass", "pool", "", "-", "hockey_club"}) {
    CAPTURE(name);
    CHECK_FALSE(is_secret_name(name));
  }
}

TEST_CASE("secrets in a text are replaced, and nothing around them", "[redact]") {
  for (const auto& row : std::vector<Row>{
         {"", ""},
         {"a plain line, with pool=web and port=80", "a plain line, with pool=web and port=80"},
         {"--password=hunter2 --port=80", "--password=<redacted> --port=80"},
         {"--password hunter2 --port 80", "--password <redacted> --port 80"},
         {"--token --port 80", "--token --port 80"},
         {"DB_PASSWORD=hunter2 ./run", "DB_PASSWORD=<redacted> ./run"},
         {"DB_PASSWORD='hunter 2' ./run", "DB_PASSWORD='<redacted>' ./run"},
         {R"({"apiKey":"hunter2","a":1})", R"({"apiKey":"<redacted>","a":1})"},
         {R"({"apiKey" : "hun\"ter2", "a":1})", R"({"apiKey" : "<redacted>", "a":1})"},
         {R"(text={\"token\":\"hunter2\",\"a\":1})", R"(text={\"token\":\"<redacted>\",\"a\":1})"},
         {"Authorization: Bearer hunter2", "Authorization: <redacted>"},
         {"-H 'Authorization: Basic aHVudGVyMg==' x", "-H 'Authorization: <redacted>' x"},
         {"Bearer hunter2 x", "Bearer <redacted> x"},
         {"https://user:hunter2@host/path?a=1", "https://<redacted>@host/path?a=1"},
         {"https://hunter2@host", "https://<redacted>@host"},
         {"postgres://u:hun@ter2@db:5432/x", "postgres://<redacted>@db:5432/x"},
         {"https://host/a@b?token=hunter2&x=1", "https://host/a@b?token=<redacted>&x=1"},
         {"git clone ghp_hunter2hunter2 now", "git clone <redacted> now"},
         {"id AKIAHUNTER2HUNTER2 x", "id <redacted> x"},
         {"-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nafter", "<redacted>\nafter"},
         {"-----BEGIN PRIVATE KEY-----\nhunter2 and no end", "<redacted>"},
         {"-----BEGIN CERTIFICATE-----\nabc", "-----BEGIN CERTIFICATE-----\nabc"},
         {"password", "password"},
         {"password:", "password:"},
         {"password=", "password="}}) {
    CAPTURE(row.before);
    CHECK(redact_text(row.before) == row.after);
  }
}

TEST_CASE("a document keeps the names of variables and loses all their values", "[redact]") {
  for (auto before : {R"({"env":["A=hunter2","B=hunter2=2","hunter2"]})", R"({"env":{"A":"hunter2"}})",
                      R"({"environment":[{"name":"A","value":"hunter2"}]})", R"({"args":["x","--password","hunter2","y"]})",
                      R"({"args":["sh","-c","TOKEN=hunter2 curl https://u:hunter2@h"]})", R"({"labels":{"db-password":"hunter2"}})",
                      R"({"labels":{"note":"secret: hunter2"}})", R"({"apiKeys":["hunter2",{"x":"hunter2"}]})",
                      R"([{"path":"worker.pools.a.apiToken","value":"hunter2"}])", R"([{"path":"worker.pools.a.env.HOME","value":"hunter2"}])"}) {
    CAPTURE(before);
    auto after = redact_document(before);
    CHECK(after.find("hunter2") == std::string::npos);
    CHECK(after.find("<redacted>") != std::string::npos);
  }
  CHECK(redact_document(R"({"env":["A=1"],"args":["--token","2","3"]})").find("\"A=<redacted>\"") != std::string::npos);
  CHECK(redact_document(R"({"env":["A=1"],"args":["--token","2","3"]})").find("\"3\"") != std::string::npos);
  CHECK(redact_document("{\"key\":\"worker.pools\",\"token\":7}\n{\"env\":[\"A=1\"]}\nplain password=x\n")
        == "{\"key\":\"worker.pools\",\"token\":7}\n{\"env\":[\"A=<redacted>\"]}\nplain password=<redacted>\n");
}
