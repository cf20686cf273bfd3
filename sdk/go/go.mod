module ostoja

go 1.19
