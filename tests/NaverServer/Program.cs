using NaverServers;

// Listens where --urls says, e.g. --urls http://127.0.0.1:9097
NaverHost.Build(args).Run();
