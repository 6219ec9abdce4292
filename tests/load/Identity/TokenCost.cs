using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;
using TestKit;

namespace Load.Identity;

/// <summary>Time and allocations of one verification, and of a token that was verified before; the best round counts, because other work only ever adds.</summary>
internal static class TokenCost
{
    private const int Tokens = 2_000;

    public static void Measure(int rounds, TextWriter output)
    {
        output.WriteLine($"A token, best of {rounds} rounds of {Tokens:N0}");
        foreach (var algorithm in (string[])[TokenAlgorithms.Rs256, TokenAlgorithms.Es256])
        {
            using var key = SigningKey.Create("load", algorithm);
            var keys = new VerificationKeys();
            keys.Use(new JsonWebKeySet([key.ToPublic()]));
            var options = Options.Create(new IdentityOptions());
            var verifier = new TokenVerifier(keys, TimeProvider.System, options);
            var verified = new VerifiedTokens(verifier, keys, TimeProvider.System, options);
            var token = TokenWriter.Write(key, TokenTypes.Access, TestTokens.Claims("user"));
            Write($"{algorithm}, verified", Best(rounds, () => verifier.VerifyAccess(token, out _)));
            Write($"{algorithm}, verified before", Best(rounds, () => verified.VerifyAccess(token, out _)));
        }

        void Write(string name, (double Micros, double Bytes) cost) => output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {name,-24} {cost.Micros,7:N2} us {cost.Bytes,7:N0} bytes"));
    }

    private static (double Micros, double Bytes) Best(int rounds, Func<TokenFailure> verify)
    {
        var best = (Micros: double.MaxValue, Bytes: double.MaxValue);
        for (var round = -1; round < rounds; round++)
        {
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            var started = Stopwatch.GetTimestamp();
            for (var token = 0; token < Tokens; token++)
            {
                if (verify() != TokenFailure.None)
                {
                    throw new InvalidOperationException("the token is refused");
                }
            }

            var micros = Stopwatch.GetElapsedTime(started).TotalMicroseconds / Tokens;
            if (round >= 0)
            {
                best = (Math.Min(best.Micros, micros), Math.Min(best.Bytes, (GC.GetAllocatedBytesForCurrentThread() - bytes) / (double)Tokens));
            }
        }

        return best;
    }
}
