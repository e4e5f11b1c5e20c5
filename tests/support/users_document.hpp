#pragma once

namespace berth::test {

// The examples of the document "Container Runtime Configuration" whose pools run on any node, unchanged.

inline constexpr auto per_pool = R"(worker:
  pools:
    # GPU pool - must use runc
    gpu-pool:
      gpuType: "nvidia-a100"
      runtime: "runc"
      criuEnabled: true
      # ... other pool settings
    
    # Sandbox pool - use gVisor for isolation
    sandbox-pool:
      runtime: "gvisor"
      runtimeConfig:
        gvisorPlatform: "kvm"      # or "ptrace" (optional)
        gvisorRoot: "/run/gvisor"  # optional, defaults to /run/gvisor
      # ... other pool settings
    
    # Standard pool - uses global default or runc
    standard-pool:
      # runtime not specified, falls back to global default
      # ... other pool settings
)";

inline constexpr auto mixed = R"(worker:
  containerRuntime: "runc"  # Global default
  
  pools:
    # High-security sandbox workloads
    secure-sandbox:
      runtime: "gvisor"
      runtimeConfig:
        gvisorPlatform: "kvm"
      mode: "local"
      # Standard containers, checkpointing available
    
    standard:
      runtime: "runc"
      criuEnabled: true
      mode: "local"
    
    # GPU workloads (must be runc)
    gpu-a100:
      runtime: "runc"
      gpuType: "nvidia-a100"
      criuEnabled: false
      mode: "external"
)";

inline constexpr auto all_gvisor = R"(worker:
  containerRuntime: "gvisor"  # Global default
  
  pools:
    sandbox-ptrace:
      # Uses global gVisor default
      runtimeConfig:
        gvisorPlatform: "ptrace"
    
    sandbox-kvm:
      runtime: "gvisor"
      runtimeConfig:
        gvisorPlatform: "kvm"
)";

} // namespace berth::test
