using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Tests.Disk;
using TestKit;

namespace Sidecar.Components.Tandem.Tests.PowerCuts;

/// <summary>One disk with a few stores, through several ends of the process or of the machine, all by one seed.</summary>
internal static class PowerCutRun
{
    /// <summary>Returns what was done; throws when a store is not what it must be, with the seed in the message.</summary>
    public static async Task<PowerCutTotals> RunAsync(int seed, int ends, SimulatedDisk? disk = null)
    {
        var random = new Random(seed);
        disk ??= new SimulatedDisk(seed);
        var clock = new ManualTimeProvider();
        var stores = Enumerable.Range(0, random.Next(1, 4)).Select(index => new StoreUnderTest($"/data/{index}/store", disk, clock, random)).ToList();
        disk.CreateDirectory("/data");
        disk.FlushDirectory("/");
        try
        {
            for (var end = 0; end <= ends; end++)
            {
                await StartAsync(disk, stores, random);
                if (end < ends)
                {
                    await WorkAsync(disk, stores, clock, random);
                    await EndAsync(disk, stores, random);
                }
            }
        }
        catch (Exception exception)
        {
            throw new StoreDiffersException($"seed {seed}: {exception.Message}", exception);
        }
        finally
        {
            disk.End();
            foreach (var store in stores)
            {
                await store.CloseAsync();
            }
        }

        return new PowerCutTotals(ends, stores.Sum(store => store.Acknowledged), stores.Sum(store => store.Compactions));
    }

    private static async Task WorkAsync(SimulatedDisk disk, List<StoreUnderTest> stores, ManualTimeProvider clock, Random random)
    {
        disk.EndAfter(random.Next(1, 120));
        var goesOn = true;
        for (var round = random.Next(1, 60); goesOn && round > 0; round--)
        {
            var store = stores[random.Next(stores.Count)];
            var nearlyFull = random.Next(8) == 0;
            disk.Capacity = nearlyFull ? disk.Used + random.Next(100) : long.MaxValue;
            if (random.Next(100) == 0)
            {
                FailNextFlush(disk);
            }

            goesOn = await store.RunAsync(nearlyFull);
            store.Compact();
            if (random.Next(8) == 0)
            {
                clock.Advance(TimeSpan.FromSeconds(random.Next(1, 40)));
            }
        }
    }

    private static void FailNextFlush(SimulatedDisk disk)
    {
        var failed = 0;
        disk.FlushFails = _ => Interlocked.Exchange(ref failed, 1) == 0;
    }

    // Now and then the end comes while the stores are being opened.
    private static async Task StartAsync(SimulatedDisk disk, List<StoreUnderTest> stores, Random random)
    {
        for (var interrupted = random.Next(4) == 0 ? random.Next(1, 3) : 0; interrupted >= 0; interrupted--)
        {
            if (interrupted > 0)
            {
                disk.EndAfter(random.Next(1, 10));
            }

            try
            {
                foreach (var store in stores)
                {
                    store.Open();
                }

                return;
            }
            catch (ComponentException exception) when (exception.InnerException is ProcessEndedException && interrupted > 0)
            {
                await EndAsync(disk, stores, random);
            }
        }
    }

    private static async Task EndAsync(SimulatedDisk disk, List<StoreUnderTest> stores, Random random)
    {
        disk.Capacity = long.MaxValue;
        disk.FlushFails = static _ => false;

        // An orderly end is one of the ends.
        if (random.Next(5) > 0)
        {
            disk.End();
        }

        foreach (var store in stores)
        {
            await store.CloseAsync();
        }

        var powerCut = random.Next(4) > 0;
        disk.Restart(powerCut);
        stores.ForEach(store => store.Ended(powerCut));
    }
}

/// <summary>What a run did.</summary>
internal sealed record PowerCutTotals(int Ends, int Acknowledged, int Compactions);
