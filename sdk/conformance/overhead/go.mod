module overhead

go 1.19

require ostoja v0.0.0

replace ostoja => ../../go
